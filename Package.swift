// swift-tools-version: 6.2
import PackageDescription

/// What every target is held to.
let common: [SwiftSetting] = [
  .swiftLanguageMode(.v6),
  .enableUpcomingFeature("ExistentialAny"),
  .enableUpcomingFeature("InternalImportsByDefault"),
  .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
  .enableUpcomingFeature("InferIsolatedConformances"),
  .treatAllWarnings(as: .error),
]

/// Not where NIO meets files: `stat` and `timespec` belong to the module that a compiler job happened to load first (Glibc, CLinux, one of
/// NIO), so that no import is the right one.
let settings: [SwiftSetting] = common + [.enableUpcomingFeature("MemberImportVisibility")]

/// The modules that touch C: every unsafe expression says `unsafe` on its line.
let unsafeIsSaid: [SwiftSetting] = [.strictMemorySafety()]

let system: Target.Dependency = .product(name: "SystemPackage", package: "swift-system")
let arguments: Target.Dependency = .product(name: "ArgumentParser", package: "swift-argument-parser")

let package = Package(
  name: "looop-fleet",
  products: [
    .executable(name: "looop", targets: ["looop"]),
    .executable(name: "looop-fleet", targets: ["looop-fleet"]),
  ],
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.0"),
    .package(url: "https://github.com/apple/swift-http-types", from: "1.0.0"),
    .package(url: "https://github.com/apple/swift-log", from: "1.12.0"),
    .package(url: "https://github.com/apple/swift-system", from: "1.8.0"),
    .package(url: "https://github.com/apple/swift-nio", from: "2.100.0"),
    .package(url: "https://github.com/groue/GRDB.swift", from: "7.10.0"),
    .package(url: "https://github.com/hummingbird-project/hummingbird", from: "2.28.0"),
    .package(url: "https://github.com/jpsim/Yams", from: "6.2.0"),
    .package(url: "https://github.com/swift-server/async-http-client", from: "1.37.0"),
    .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.13.0"),
  ],
  targets: [
    .systemLibrary(name: "CGit2", pkgConfig: "libgit2", providers: [.apt(["libgit2-dev"])]),
    .target(name: "CLinux"),
    .target(name: "Tenant", dependencies: ["CLinux", system], swiftSettings: settings + unsafeIsSaid),
    .target(
      name: "Fleet",
      dependencies: [
        "Tenant", "CGit2", "CLinux", system,
        .product(name: "AsyncHTTPClient", package: "async-http-client"),
        .product(name: "GRDB", package: "GRDB.swift"),
        .product(name: "HTTPTypes", package: "swift-http-types"),
        .product(name: "Hummingbird", package: "hummingbird"),
        .product(name: "Logging", package: "swift-log"),
        .product(name: "NIOCore", package: "swift-nio"),
        .product(name: "NIOHTTP1", package: "swift-nio"),
        .product(name: "NIOPosix", package: "swift-nio"),
        .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
        .product(name: "UnixSignals", package: "swift-service-lifecycle"),
        .product(name: "Yams", package: "Yams"),
      ],
      swiftSettings: common + unsafeIsSaid),
    // Started for every beat, ask and answer: without a dynamic loader that takes half the time. It needs nothing of the C library
    // that only a shared one has (no user data base, no name service).
    .executableTarget(
      name: "looop", dependencies: ["Tenant", system, arguments], swiftSettings: settings,
      linkerSettings: [.unsafeFlags(["-static-executable"], .when(platforms: [.linux], configuration: .release))]),
    // At a fixed place, and offering no symbols: a helper for each sandbox would otherwise go through seven megabytes of addresses and
    // names before it begins.
    .executableTarget(
      name: "looop-fleet", dependencies: ["Fleet", "Tenant", system, arguments], swiftSettings: settings,
      linkerSettings: [
        .unsafeFlags(
          ["-Xclang-linker", "-no-pie", "-Xlinker", "--no-export-dynamic"],
          .when(platforms: [.linux], configuration: .release))
      ]),
    .target(
      name: "TestSupport", dependencies: ["Tenant", system], path: "Tests/TestSupport", swiftSettings: settings),
    .testTarget(
      name: "TenantTests", dependencies: ["CLinux", "Tenant", "TestSupport", "looop", system], swiftSettings: settings),
    .testTarget(
      name: "FleetTests",
      dependencies: [
        "Fleet", "Tenant", "TestSupport", "looop-fleet", system, arguments,
        .product(name: "HTTPTypes", package: "swift-http-types"),
        .product(name: "Hummingbird", package: "hummingbird"),
        .product(name: "HummingbirdTesting", package: "hummingbird"),
        .product(name: "Logging", package: "swift-log"),
        .product(name: "NIOCore", package: "swift-nio"),
      ],
      swiftSettings: common),
    .testTarget(
      name: "EndToEndTests", dependencies: ["Tenant", "TestSupport", "looop", "looop-fleet", system],
      swiftSettings: settings),
  ]
)
