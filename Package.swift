// swift-tools-version: 6.2
import PackageDescription

/// Every target is compiled in Swift 6 mode and its warnings are errors.
let strict: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .treatAllWarnings(as: .error),
]

let package = Package(
    name: "pgaf",
    platforms: [.macOS(.v15)],
    products: [
        .executable(name: "pgaf-host", targets: ["pgaf-host"]),
        .executable(name: "pgaf-agent", targets: ["pgaf-agent"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.0"),
        .package(url: "https://github.com/apple/swift-crypto", from: "4.5.0"),
        .package(url: "https://github.com/apple/swift-system", from: "1.8.0"),
        // Without its Foundation trait: the agent must stay small (docs/decisions/0002).
        .package(url: "https://github.com/swiftlang/swift-subprocess", from: "1.0.2", traits: []),
    ],
    targets: [
        .systemLibrary(
            name: "CLibSSH", pkgConfig: "libssh", providers: [.apt(["libssh-dev"]), .brew(["libssh"])]),
        .systemLibrary(
            name: "CLibYAML", pkgConfig: "yaml-0.1", providers: [.apt(["libyaml-dev"]), .brew(["libyaml"])]),
        .target(
            name: "Shared",
            dependencies: [
                "CLibYAML",
                .product(name: "Subprocess", package: "swift-subprocess"),
                .product(name: "SystemPackage", package: "swift-system"),
            ],
            swiftSettings: strict),
        .target(
            name: "GuestAgent",
            dependencies: [
                "Shared",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
                .product(name: "Crypto", package: "swift-crypto"),
                .product(name: "SystemPackage", package: "swift-system"),
            ],
            swiftSettings: strict),
        .target(
            name: "HostOrchestrator",
            dependencies: [
                "Shared",
                "CLibSSH",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
                .product(name: "Crypto", package: "swift-crypto"),
                .product(name: "Subprocess", package: "swift-subprocess"),
                .product(name: "SystemPackage", package: "swift-system"),
            ],
            swiftSettings: strict),
        .executableTarget(name: "pgaf-host", dependencies: ["HostOrchestrator"], swiftSettings: strict),
        .executableTarget(name: "pgaf-agent", dependencies: ["GuestAgent"], swiftSettings: strict),
        // Measures the transport for scripts/bench; no product, never installed.
        .executableTarget(
            name: "pgaf-bench",
            dependencies: [
                "HostOrchestrator", .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ],
            swiftSettings: strict),
        .testTarget(
            name: "SharedTests",
            dependencies: ["Shared", "TestSupport", .product(name: "SystemPackage", package: "swift-system")],
            swiftSettings: strict),
        .testTarget(name: "GuestAgentTests", dependencies: ["GuestAgent", "TestSupport"], swiftSettings: strict),
        .target(
            name: "TestSupport", dependencies: ["HostOrchestrator"], path: "Tests/TestSupport", swiftSettings: strict),
        .testTarget(
            name: "TransportTests", dependencies: ["HostOrchestrator", "TestSupport"], swiftSettings: strict),
        .testTarget(
            name: "ClusterTests", dependencies: ["GuestAgent", "HostOrchestrator", "TestSupport"], swiftSettings: strict
        ),
        .testTarget(
            name: "VirtualMachineTests", dependencies: ["HostOrchestrator", "TestSupport"], swiftSettings: strict),
        // What reads the words of others, for the unit tests and for libFuzzer.
        .target(
            name: "Fuzzing", dependencies: ["HostOrchestrator", "TestSupport"], path: "Tests/Fuzzing",
            swiftSettings: strict),
        .testTarget(
            name: "HostOrchestratorTests", dependencies: ["HostOrchestrator", "TestSupport", "Fuzzing"],
            swiftSettings: strict),
    ]
)

// libFuzzer's driver links only with its flags for everything; scripts/fuzz builds it.
if Context.environment["PGAF_FUZZ"] != nil {
    package.targets += [
        .systemLibrary(name: "CLibFuzzer", path: "Tests/CLibFuzzer"),
        .executableTarget(
            name: "pgaf-fuzz", dependencies: ["Fuzzing", "CLibFuzzer"], path: "Tests/FuzzDriver", swiftSettings: strict),
    ]
}
