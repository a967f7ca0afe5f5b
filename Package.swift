// swift-tools-version: 6.2
import Foundation
import PackageDescription

let settings: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
]

/// Async functions stay on the executor of their caller: each hop of a request costs a lock in the runtime.
let nonsending = settings + [.enableUpcomingFeature("NonisolatedNonsendingByDefault")]

let logging = Target.Dependency.product(name: "Logging", package: "swift-log")
let metrics = Target.Dependency.product(name: "Metrics", package: "swift-metrics")
let httpTypes = Target.Dependency.product(name: "HTTPTypes", package: "swift-http-types")
let lifecycle = Target.Dependency.product(name: "ServiceLifecycle", package: "swift-service-lifecycle")
let arguments = Target.Dependency.product(name: "ArgumentParser", package: "swift-argument-parser")
let nioCore = Target.Dependency.product(name: "NIOCore", package: "swift-nio")
let nioPosix = Target.Dependency.product(name: "NIOPosix", package: "swift-nio")

/// The READMEs of a target's folders, which are no sources.
func notes(_ folder: String) -> [String] {
    let root = Context.packageDirectory + "/" + folder
    let files = FileManager.default.enumerator(atPath: root)?.compactMap { $0 as? String } ?? []
    return files.filter { $0.split(separator: "/").last == "README.md" }.sorted()
}

let package = Package(
    name: "peyvand",
    platforms: [.macOS(.v15)],
    products: [.executable(name: "peyvand", targets: ["peyvand"])],
    dependencies: [
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.0"),
        .package(url: "https://github.com/apple/swift-nio-extras", from: "1.35.0"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.0"),
        .package(url: "https://github.com/apple/swift-metrics", from: "2.13.0"),
        .package(url: "https://github.com/apple/swift-http-types", from: "1.8.0", traits: []),
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.0"),
        .package(url: "https://github.com/apple/swift-configuration", from: "1.4.0", traits: []),
        .package(url: "https://github.com/apple/swift-protobuf", from: "1.39.0", traits: []),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.13.0"),
        .package(url: "https://github.com/hummingbird-project/hummingbird", from: "2.28.0", traits: []),
    ],
    targets: [
        .systemLibrary(name: "CLibPQ", pkgConfig: "libpq", providers: [.apt(["libpq-dev"])]),
        .systemLibrary(name: "CNGHTTP2", pkgConfig: "libnghttp2", providers: [.apt(["libnghttp2-dev"])]),
        .systemLibrary(name: "COpenSSL", pkgConfig: "openssl", providers: [.apt(["libssl-dev"])]),

        .target(name: "Casework", exclude: notes("Sources/Casework"), swiftSettings: settings),
        .target(
            name: "Federation",
            dependencies: ["Casework", .product(name: "SwiftProtobuf", package: "swift-protobuf")],
            exclude: notes("Sources/Federation") + ["Wire/link.proto", "Wire/content.proto", "Wire/attachments.proto"],
            swiftSettings: settings),
        .target(name: "JSON", exclude: notes("Sources/JSON"), swiftSettings: settings),
        .target(name: "CSV", exclude: notes("Sources/CSV"), swiftSettings: settings),
        .target(
            name: "Contract", dependencies: ["Casework", "JSON"], exclude: notes("Sources/Contract"),
            swiftSettings: settings),
        .target(
            name: "Cryptography", dependencies: ["COpenSSL"], exclude: notes("Sources/Cryptography"),
            swiftSettings: settings),
        .target(
            name: "Simulator", dependencies: ["Casework", "Federation", "Cryptography"],
            exclude: notes("Sources/Simulator"), swiftSettings: settings),
        .target(name: "POSIX", exclude: notes("Sources/POSIX"), swiftSettings: settings),
        .target(
            name: "Postgres", dependencies: ["CLibPQ", "POSIX", logging], exclude: notes("Sources/Postgres"),
            swiftSettings: settings),
        .target(
            name: "Attachments", dependencies: ["Casework", "Cryptography", nioPosix],
            exclude: notes("Sources/Attachments"),
            swiftSettings: settings),
        .target(
            name: "HTTP2",
            dependencies: [
                "CNGHTTP2", "COpenSSL", nioCore, nioPosix, httpTypes, logging, metrics,
                .product(name: "NIOHTTP1", package: "swift-nio"),
                .product(name: "NIOHTTPTypes", package: "swift-nio-extras"),
                .product(name: "NIOHTTPTypesHTTP1", package: "swift-nio-extras"),
            ],
            exclude: notes("Sources/HTTP2"),
            swiftSettings: nonsending),
        .target(
            name: "Store",
            dependencies: [
                "Attachments", "Casework", "Federation", "Contract", "JSON", "Cryptography", "Postgres", logging,
            ],
            exclude: notes("Sources/Store"),
            resources: [
                .embedInCode("Database/Migrations"), .embedInCode("Projections/Search/search.sql"),
                .embedInCode("Projections/Clocks/clocks.sql"), .embedInCode("Projections/Outbox/outbox.sql"),
            ],
            swiftSettings: settings),
        .target(
            name: "Node",
            dependencies: [
                "Attachments", "Casework", "Federation", "Contract", "JSON", "Cryptography", "HTTP2", "Store",
                httpTypes, logging, nioCore,
            ],
            exclude: notes("Sources/Node"), swiftSettings: settings),
        .target(
            name: "Hub",
            dependencies: [
                "Attachments", "Casework", "Federation", "Contract", "JSON", "Cryptography", "HTTP2", "Store",
                httpTypes, logging, nioCore,
            ],
            exclude: notes("Sources/Hub"), swiftSettings: settings),
        .target(
            name: "Console",
            dependencies: [
                "Casework", "Contract", "JSON", "CSV", "Cryptography", logging, httpTypes, nioCore,
                .product(name: "Hummingbird", package: "hummingbird"),
            ],
            exclude: notes("Sources/Console"),
            resources: [.embedInCode("Assets")], swiftSettings: nonsending),
        .target(
            name: "Program",
            dependencies: [
                "Casework", "JSON", "Cryptography", "HTTP2", "POSIX", nioCore, httpTypes, logging,
                .product(name: "UnixSignals", package: "swift-service-lifecycle"), arguments,
            ],
            exclude: notes("Sources/Program"), swiftSettings: settings),
        .target(
            name: "Demo",
            dependencies: [
                "Casework", "Contract", "JSON", "Cryptography", "POSIX", "Postgres", "Store", "Program", httpTypes,
                logging, arguments,
            ],
            exclude: notes("Sources/Demo"), swiftSettings: settings),
        .target(
            name: "Bench",
            dependencies: [
                "Casework", "Federation", "Contract", "JSON", "Cryptography", "POSIX", "Postgres", "HTTP2", "Store",
                "Hub", "Program", "Demo", nioCore, httpTypes, logging, arguments,
            ],
            exclude: notes("Sources/Bench"), swiftSettings: settings),
        .executableTarget(
            name: "peyvand",
            dependencies: [
                "Casework", "Federation", "Contract", "JSON", "CSV", "Cryptography", "POSIX", "Postgres", "HTTP2",
                "Store",
                "Node", "Hub", "Console", "Simulator", "Program", "Demo", "Bench", nioCore, httpTypes, logging,
                lifecycle, arguments, .product(name: "Configuration", package: "swift-configuration"),
            ],
            exclude: notes("Sources/peyvand"),
            resources: [.embedInCode("Mappings")], swiftSettings: settings),

        .testTarget(
            name: "CaseworkTests", dependencies: ["Casework"], exclude: notes("Tests/CaseworkTests"),
            swiftSettings: settings),
        .testTarget(
            name: "FederationTests",
            dependencies: [
                "Casework", "Federation", "Cryptography", "Simulator",
                .product(name: "SwiftProtobuf", package: "swift-protobuf"),
            ],
            exclude: notes("Tests/FederationTests"), swiftSettings: settings),
        .testTarget(
            name: "SimulatorTests", dependencies: ["Simulator", "Casework"], exclude: notes("Tests/SimulatorTests"),
            swiftSettings: settings),
        .testTarget(
            name: "CryptographyTests", dependencies: ["Cryptography"], exclude: notes("Tests/CryptographyTests"),
            swiftSettings: settings),
        .testTarget(
            name: "AttachmentsTests", dependencies: ["Attachments", "Casework", "Cryptography"],
            exclude: notes("Tests/AttachmentsTests"),
            swiftSettings: settings),
        .testTarget(
            name: "PostgresTests", dependencies: ["Postgres", "POSIX", logging], exclude: notes("Tests/PostgresTests"),
            swiftSettings: settings),
        .testTarget(
            name: "HTTP2Tests", dependencies: ["HTTP2", "CNGHTTP2", nioCore, nioPosix, httpTypes, logging],
            exclude: notes("Tests/HTTP2Tests"), swiftSettings: settings),
        .testTarget(
            name: "StoreTests",
            dependencies: [
                "Store", "Casework", "Federation", "Contract", "JSON", "Cryptography", "POSIX", "Postgres", logging,
            ],
            exclude: notes("Tests/StoreTests"), swiftSettings: settings),
        .testTarget(name: "CSVTests", dependencies: ["CSV"], exclude: notes("Tests/CSVTests"), swiftSettings: settings),
        .testTarget(
            name: "HubTests", dependencies: ["Hub", "Store", "Casework", "Federation"],
            exclude: notes("Tests/HubTests"), swiftSettings: settings),
        .testTarget(
            name: "ConsoleTests",
            dependencies: ["Casework", "Contract", "Console", "Federation", "JSON", httpTypes, logging, nioCore],
            exclude: notes("Tests/ConsoleTests"),
            swiftSettings: settings),
        .testTarget(
            name: "PeyvandTests",
            dependencies: [
                "peyvand", "Program", "Casework", "CSV", "Contract", "JSON", "Simulator", "POSIX", "Postgres", logging,
            ],
            exclude: notes("Tests/PeyvandTests"), swiftSettings: settings),
        .testTarget(
            name: "ProgramTests", dependencies: ["Program", "POSIX"], exclude: notes("Tests/ProgramTests"),
            swiftSettings: settings),
        .testTarget(
            name: "DemoTests", dependencies: ["Demo", "Program", "Casework", "Contract", "JSON", "POSIX", "Store"],
            exclude: notes("Tests/DemoTests"), swiftSettings: settings),
        .testTarget(
            name: "BenchTests", dependencies: ["Bench", "Program"], exclude: notes("Tests/BenchTests"),
            swiftSettings: settings),
        .target(name: "TestDoors", path: "Tests/TestDoors", exclude: notes("Tests/TestDoors"), swiftSettings: settings),
        .testTarget(
            name: "EndToEndTests", dependencies: ["TestDoors"],
            exclude: notes("Tests/EndToEndTests") + ["link_client.py"],
            swiftSettings: settings),
        .testTarget(
            name: "ChaosTests", dependencies: ["TestDoors"], exclude: notes("Tests/ChaosTests") + ["chaos_link.py"],
            swiftSettings: settings),
    ]
)
