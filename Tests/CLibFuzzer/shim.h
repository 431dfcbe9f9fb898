#include <stddef.h>
#include <stdint.h>

// libFuzzer's own entry for programs with a `main`; it has no header. The library comes with -sanitize=fuzzer.
int LLVMFuzzerRunDriver(int *argc, char ***argv, int (*callback)(const uint8_t *data, size_t size));
