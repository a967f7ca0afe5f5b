// swift-tools-version: 6.2
import PackageDescription

let settings: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("MemberImportVisibility"),
]

/// Async functions stay on the executor of their caller: each hop of a request costs a lock in the runtime.
let nonsending = settings + [.enableUpcomingFeature("NonisolatedNonsendingByDefault")]

let logging = Target.Dependency.product(name: "Logging", package: "swift-log")
let metrics = Target.Dependency.product(name: "Metrics", package: "swift-metrics")
let httpTypes = Target.Dependency.product(name: "HTTPTypes", package: "swift-http-types")
let lifecycle = Target.Dependency.product(name: "ServiceLifecycle", package: "swift-service-lifecycle")
let nioCore = Target.Dependency.product(name: "NIOCore", package: "swift-nio")
let nioPosix = Target.Dependency.product(name: "NIOPosix", package: "swift-nio")

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

        .target(name: "Casework", exclude: ["README.md", "Foundations/README.md"], swiftSettings: settings),
        .target(
            name: "Federation",
            dependencies: ["Casework", .product(name: "SwiftProtobuf", package: "swift-protobuf")],
            exclude: [
                "README.md", "Wire/README.md", "Wire/link.proto", "Wire/content.proto", "Wire/attachments.proto",
            ],
            swiftSettings: settings),
        .target(name: "Service", dependencies: ["Casework"], exclude: ["README.md"], swiftSettings: settings),
        .target(name: "Cryptography", dependencies: ["COpenSSL"], exclude: ["README.md"], swiftSettings: settings),
        .target(
            name: "Simulator", dependencies: ["Casework", "Federation", "Cryptography"],
            exclude: ["README.md", "Checkers/README.md"], swiftSettings: settings),
        .target(
            name: "Postgres", dependencies: ["CLibPQ", logging], exclude: ["README.md"], swiftSettings: settings),
        .target(
            name: "Attachments", dependencies: ["Casework", "Cryptography", nioPosix], exclude: ["README.md"],
            swiftSettings: settings),
        .target(
            name: "HTTP2",
            dependencies: [
                "CNGHTTP2", "COpenSSL", nioCore, nioPosix, httpTypes, logging, metrics,
                .product(name: "NIOHTTP1", package: "swift-nio"),
                .product(name: "NIOHTTPTypes", package: "swift-nio-extras"),
                .product(name: "NIOHTTPTypesHTTP1", package: "swift-nio-extras"),
            ],
            exclude: [
                "README.md", "Client/README.md", "HTTP1/README.md", "Server/README.md", "Session/README.md",
                "TLS/README.md",
            ],
            swiftSettings: nonsending),
        .target(
            name: "Store",
            dependencies: [
                "CLibPQ", "Attachments", "Casework", "Federation", "Service", "Cryptography", "Postgres", logging,
            ],
            exclude: ["README.md", "Migrations/README.md", "Reads/README.md"],
            resources: [
                .embedInCode("Migrations/001-journal.sql"), .embedInCode("Migrations/002-doors.sql"),
                .embedInCode("Migrations/003-search.sql"), .embedInCode("Migrations/004-federation.sql"),
                .embedInCode("Migrations/005-attachments.sql"), .embedInCode("Migrations/006-days.sql"),
                .embedInCode("Migrations/007-ascending.sql"),
                .embedInCode("Migrations/008-counted.sql"), .embedInCode("Migrations/009-search-order.sql"),
            ],
            swiftSettings: settings),
        .target(
            name: "Node",
            dependencies: [
                "Attachments", "Casework", "Federation", "Service", "Cryptography", "Postgres", "HTTP2", "Store", httpTypes, logging,
                nioCore,
            ],
            exclude: ["README.md"], swiftSettings: settings),
        .target(
            name: "Hub",
            dependencies: [
                "Attachments", "Casework", "Federation", "Service", "Cryptography", "Postgres", "HTTP2", "Store", httpTypes, logging,
                nioCore,
            ],
            exclude: ["README.md"], swiftSettings: settings),
        .target(
            name: "Console",
            dependencies: [
                "Casework", "Service", "Cryptography", logging, httpTypes, nioCore,
                .product(name: "Hummingbird", package: "hummingbird"),
            ],
            exclude: [
                "README.md", "Guards/README.md", "Pages/README.md", "Routes/README.md", "Schema/README.md",
                "Transport/README.md", "Assets/README.md",
            ],
            resources: [.embedInCode("Assets")], swiftSettings: nonsending),
        .executableTarget(
            name: "peyvand",
            dependencies: [
                "Attachments", "Casework", "Federation", "Service", "Cryptography", "Postgres", "HTTP2", "Store", "Node",
                "Hub", "Console", "Simulator",
                nioCore, httpTypes, logging, lifecycle,
                .product(name: "UnixSignals", package: "swift-service-lifecycle"),
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
                .product(name: "Configuration", package: "swift-configuration"),
            ],
            exclude: [
                "README.md", "Accounts/README.md", "Backup/README.md", "Bench/README.md", "Demo/README.md", "Import/README.md",
                "Simulate/README.md",
                "Trickle/README.md",
            ],
            resources: [.embedInCode("Mappings")], swiftSettings: settings),

        .testTarget(name: "CaseworkTests", dependencies: ["Casework"], exclude: ["README.md"], swiftSettings: settings),
        .testTarget(
            name: "FederationTests",
            dependencies: [
                "Casework", "Federation", "Cryptography", "Simulator",
                .product(name: "SwiftProtobuf", package: "swift-protobuf"),
            ],
            exclude: ["README.md", "Machines/README.md"], swiftSettings: settings),
        .testTarget(
            name: "SimulatorTests", dependencies: ["Simulator", "Casework"], exclude: ["README.md"],
            swiftSettings: settings),
        .testTarget(
            name: "CryptographyTests", dependencies: ["Cryptography"], exclude: ["README.md"], swiftSettings: settings),
        .testTarget(
            name: "AttachmentsTests", dependencies: ["Attachments", "Casework", "Cryptography"], exclude: ["README.md"],
            swiftSettings: settings),
        .testTarget(
            name: "PostgresTests", dependencies: ["Postgres", logging], exclude: ["README.md"], swiftSettings: settings),
        .testTarget(
            name: "HTTP2Tests", dependencies: ["HTTP2", "CNGHTTP2", nioCore, nioPosix, httpTypes, logging],
            exclude: ["README.md"], swiftSettings: settings),
        .testTarget(
            name: "StoreTests",
            dependencies: ["Store", "Casework", "Federation", "Service", "Cryptography", "Postgres", logging],
            exclude: ["README.md"], swiftSettings: settings),
        .testTarget(
            name: "ConsoleTests", dependencies: ["Console"], exclude: ["README.md"], swiftSettings: settings),
        .testTarget(
            name: "PeyvandTests",
            dependencies: ["peyvand", "Casework", "Service", "Simulator", "Store", "Postgres", logging],
            exclude: ["README.md"], swiftSettings: settings),
        .target(name: "TestDoors", path: "Tests/TestDoors", exclude: ["README.md"], swiftSettings: settings),
        .testTarget(
            name: "EndToEndTests", dependencies: ["TestDoors"], exclude: ["README.md", "link_client.py"],
            swiftSettings: settings),
        .testTarget(
            name: "ChaosTests", dependencies: ["TestDoors"], exclude: ["README.md", "chaos_link.py"],
            swiftSettings: settings),
    ]
)
