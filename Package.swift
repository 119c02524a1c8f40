// swift-tools-version: 6.3
import PackageDescription

let strict: [SwiftSetting] = [
    .strictMemorySafety(),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
]

/// A module of the house. Who may import whom is listed here and held by `HouseTests`.
func room(_ name: String, _ dependencies: [Target.Dependency] = []) -> Target {
    .target(name: name, dependencies: dependencies, swiftSettings: strict)
}

/// A module that judges the product from outside: of its own folder, and importing nothing of the product's.
func judge(_ name: String, _ dependencies: [Target.Dependency] = []) -> Target {
    .target(
        name: name, dependencies: dependencies, path: "Jepsen-style/\(name.dropFirst("Concord".count))",
        swiftSettings: strict)
}

func program(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
    .executableTarget(name: name, dependencies: dependencies, swiftSettings: strict)
}

func tests(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
    .testTarget(name: name, dependencies: dependencies, swiftSettings: strict)
}

let socketsOnly: TargetDependencyCondition? = .when(traits: ["SocketTransport"])

let package = Package(
    name: "concord",
    products: [
        .executable(name: "concordd", targets: ["concordd"]),
        .executable(name: "concord", targets: ["concord"]),
        .executable(name: "concord-bench", targets: ["concord-bench"]),
        .executable(name: "concord-jepsen", targets: ["concord-jepsen"]),
        .executable(name: "concord-sim", targets: ["concord-sim"]),
        .library(name: "ConcordClient", targets: ["ConcordClient", "ConcordModel"]),
    ],
    traits: [
        .trait(
            name: "SocketTransport",
            description: "The client library speaks over plain sockets (Linux) instead of URLSession."),
        .trait(
            name: "URLSessionTransport",
            description: "The client library has URLSession, too, for https; Linux links libcurl for it."),
        .default(enabledTraits: ["SocketTransport", "URLSessionTransport"]),
    ],
    targets: [
        .target(name: "CConcordLinux", linkerSettings: [.linkedLibrary("crypto")]),
        room("ConcordBytes"),
        room("ConcordModel", ["ConcordBytes"]),
        room("ConcordAPI", ["ConcordModel", "ConcordBytes"]),
        room("ConcordRaft", ["ConcordBytes"]),
        room("ConcordState", ["ConcordModel", "ConcordBytes"]),
        room("ConcordStorage", ["ConcordRaft", "ConcordBytes"]),
        room(
            "ConcordReplica",
            ["ConcordRaft", "ConcordState", "ConcordStorage", "ConcordModel", "ConcordBytes"]),
        room(
            "ConcordBackup",
            ["ConcordReplica", "ConcordState", "ConcordStorage", "ConcordRaft", "ConcordModel", "ConcordBytes"]),
        room("ConcordHTTP", ["ConcordBytes"]),
        room("ConcordLinux", ["CConcordLinux", "ConcordBytes"]),
        room(
            "ConcordEndpoints",
            ["ConcordAPI", "ConcordHTTP", "ConcordReplica", "ConcordModel", "ConcordBytes"]),
        room(
            "ConcordServer",
            [
                "ConcordEndpoints", "ConcordAPI", "ConcordHTTP", "ConcordLinux", "ConcordBackup", "ConcordReplica",
                "ConcordStorage", "ConcordState", "ConcordRaft", "ConcordModel", "ConcordBytes",
                "ConcordCommandLine",
            ]),
        room(
            "ConcordClient",
            [
                "ConcordAPI", "ConcordModel",
                .target(name: "ConcordHTTP", condition: socketsOnly),
                .target(name: "ConcordLinux", condition: socketsOnly),
                .target(name: "ConcordBytes", condition: socketsOnly),
            ]),
        room("ConcordCommandLine"),
        room("ConcordTool", ["ConcordClient", "ConcordBackup", "ConcordAPI", "ConcordModel", "ConcordCommandLine"]),
        room(
            "ConcordBench",
            ["ConcordClient", "ConcordHTTP", "ConcordLinux", "ConcordCommandLine", "ConcordBytes"]),
        room(
            "ConcordSimulator",
            [
                "ConcordReplica", "ConcordStorage", "ConcordState", "ConcordRaft", "ConcordModel",
                "ConcordBytes", "ConcordChecker",
            ]),
        judge("ConcordChecker"),
        judge("ConcordHarness", ["ConcordChecker", "ConcordCommandLine"]),

        program("concordd", ["ConcordServer", "ConcordCommandLine"]),
        program("concord", ["ConcordTool", "ConcordCommandLine"]),
        program("concord-bench", ["ConcordBench", "ConcordCommandLine"]),
        program("concord-jepsen", ["ConcordHarness", "ConcordCommandLine"]),
        program("concord-sim", ["ConcordSimulator", "ConcordLinux", "ConcordCommandLine"]),

        tests("HouseTests", ["ConcordEndpoints", "ConcordHTTP"]),
        tests("ConcordBytesTests", ["ConcordBytes"]),
        tests("ConcordModelTests", ["ConcordModel", "ConcordBytes"]),
        tests("ConcordAPITests", ["ConcordAPI", "ConcordModel", "ConcordBytes"]),
        tests("ConcordRaftTests", ["ConcordRaft", "ConcordBytes"]),
        tests("ConcordStateTests", ["ConcordState", "ConcordModel", "ConcordBytes"]),
        tests(
            "ConcordStorageTests",
            ["ConcordStorage", "ConcordSimulator", "ConcordRaft", "ConcordBytes"]),
        tests(
            "ConcordBackupTests",
            [
                "ConcordBackup", "ConcordSimulator", "ConcordReplica", "ConcordStorage", "ConcordState", "ConcordRaft",
                "ConcordModel", "ConcordBytes",
            ]),
        tests("ConcordHTTPTests", ["ConcordHTTP", "ConcordBytes"]),
        tests("ConcordLinuxTests", ["ConcordLinux", "ConcordBytes"]),
        tests(
            "ConcordReplicaTests",
            [
                "ConcordSimulator", "ConcordReplica", "ConcordStorage", "ConcordState", "ConcordRaft",
                "ConcordModel", "ConcordBytes",
            ]),
        tests(
            "ConcordEndpointsTests",
            [
                "ConcordEndpoints", "ConcordAPI", "ConcordHTTP", "ConcordReplica", "ConcordStorage", "ConcordState",
                "ConcordRaft", "ConcordModel", "ConcordBytes",
            ]),
        tests(
            "ConcordServerTests",
            [
                "ConcordServer", "ConcordReplica", "ConcordStorage", "ConcordRaft", "ConcordLinux", "ConcordBytes",
                "ConcordCommandLine",
            ]),
        tests(
            "ConcordSimulatorTests",
            [
                "ConcordSimulator", "ConcordReplica", "ConcordStorage", "ConcordState", "ConcordRaft",
                "ConcordModel", "ConcordBytes", "ConcordChecker",
            ]),
        tests(
            "ConcordGoldenTests",
            [
                "ConcordServer", "ConcordReplica", "ConcordStorage", "ConcordState", "ConcordRaft", "ConcordModel",
                "ConcordBytes",
            ]),
        tests("ConcordCheckerTests", ["ConcordChecker"]),
        tests("ConcordHarnessTests", ["ConcordHarness", "ConcordChecker", "ConcordCommandLine"]),
        tests("ConcordClientTests", ["ConcordClient", "ConcordAPI", "ConcordModel"]),
        tests("ConcordCommandLineTests", ["ConcordCommandLine"]),
        tests(
            "ConcordBenchTests",
            ["ConcordBench", "ConcordClient", "ConcordLinux", "ConcordCommandLine", "ConcordBytes"]),
        tests(
            "ConcordSystemTests",
            [
                "ConcordClient", "ConcordTool", "ConcordCommandLine", "ConcordAPI", "ConcordModel", "ConcordHTTP",
                "ConcordLinux", "ConcordBytes",
            ]),
    ],
    swiftLanguageModes: [.v6]
)
