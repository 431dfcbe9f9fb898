import Foundation
import Shared
import Testing

@testable import GuestAgent

@Suite struct ScramVerifierTests {
    /// User "user" with password "pencil" of RFC 7677, section 3; its keys reproduce the RFC's own client proof
    /// `dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=` and server signature.
    private static let rfc =
        "SCRAM-SHA-256$4096:W22ZaJ0SNY7soEsUEjb6gQ=="
        + "$WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=:wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU="

    @Test func theRFCsExample() throws {
        let salt = try #require(Data(base64Encoded: "W22ZaJ0SNY7soEsUEjb6gQ=="))
        #expect(ScramVerifier.verifier(Secret("pencil"), salt: [UInt8](salt), iterations: 4096) == Self.rfc)
    }

    @Test func bytesBeyondASCIIAndOneIteration() {
        let found = ScramVerifier.verifier(Secret("pässwörd 'x\""), salt: Array(0..<16), iterations: 1)
        #expect(
            found == "SCRAM-SHA-256$1:AAECAwQFBgcICQoLDA0ODw==$jdsUn8HlOyjK2A/0MvfEIoHADAoJBBJA20DouMEEYCg=:"
                + "oLwX2lkppUm1+ZG4ew1eUmjnv0EJbpo/7m2Hd86JTig=")
    }

    @Test func matchesOnlyItsOwnPassword() {
        #expect(ScramVerifier.matches(Secret("pencil"), Self.rfc))
        #expect(!ScramVerifier.matches(Secret("Pencil"), Self.rfc))
        #expect(!ScramVerifier.matches(Secret(""), Self.rfc))
    }

    @Test func aFreshVerifierMatchesAndHasASaltOfItsOwn() {
        let one = ScramVerifier.make(Secret("x y")).revealed
        let other = ScramVerifier.make(Secret("x y")).revealed
        #expect(one != other && one.hasPrefix("SCRAM-SHA-256$4096:"))
        #expect(ScramVerifier.matches(Secret("x y"), one) && ScramVerifier.matches(Secret("x y"), other))
    }

    @Test(arguments: [
        "", "$", "$$$", "md5d41d8cd98f00b204e9800998ecf8427e", "SCRAM-SHA-256", "SCRAM-SHA-256$4096:",
        "SCRAM-SHA-256$0:AA==$A=:B=", "SCRAM-SHA-256$-1:AA==$A=:B=", "SCRAM-SHA-256$99999999999999999999:AA==$A=:B=",
        "SCRAM-SHA-256$9000000:AA==$A=:B=", "SCRAM-SHA-256$4096:###$A=:B=", "SCRAM-SHA-256$1:AA==$:",
        "SCRAM-SHA-1$4096:W22ZaJ0SNY7soEsUEjb6gQ==$a:b", "SCRAM-SHA-256$1:$a:b",
    ])
    func garbageMatchesNothing(_ stored: String) {
        #expect(!ScramVerifier.matches(Secret("pencil"), stored))
    }

    @Test func aTruncatedVerifierMatchesNothing() {
        for length in stride(from: 0, to: Self.rfc.count, by: 9) {
            #expect(!ScramVerifier.matches(Secret("pencil"), String(Self.rfc.prefix(length))))
        }
    }
}
