import ConcordCommandLine
import ConcordRaft
import ConcordReplica
import ConcordServer
import Testing

@Suite("The command line of concordd")
struct ServerFlagsTests {
    /// The configuration, or the sentence of the refusal.
    private func parse(_ line: String, environment: [String: String] = [:]) -> Result<ServerConfiguration, Refusal> {
        let words = line.split(separator: " ").map(String.init)
        switch ServerFlags.program.parse(ServerFlags.completed(words), environment: environment) {
        case .show(let text): return .failure(Refusal(text: text))
        case .refused(let error): return .failure(Refusal(text: error.text))
        case .run(let arguments):
            do throws(UsageError) {
                return .success(try ServerFlags.configuration(from: arguments))
            } catch {
                return .failure(Refusal(text: error.text))
            }
        }
    }

    private struct Refusal: Error {
        var text: String
    }

    private func refusal(_ line: String, environment: [String: String] = [:]) -> String {
        switch parse(line, environment: environment) {
        case .success: "(accepted)"
        case .failure(let refusal): refusal.text
        }
    }

    @Test("a member that joins has a name of its own and no list")
    func join() throws {
        let configuration = try parse("--name d --join http://10.0.0.1:7400,http://[::1]:7410").get()
        #expect(configuration.join == [.init(host: "10.0.0.1", port: 7400), .init(host: "::1", port: 7410)])
        #expect(refusal("--join http://10.0.0.1:7400").contains("--join needs --name"))
        #expect(refusal("--name d --join http://h:1 --cluster d=127.0.0.1:7401").contains("exclude each other"))
        #expect(refusal("--name d --join nowhere").contains("a URL of scheme"))
    }

    @Test("without a flag means one member on the loopback ports")
    func none() throws {
        let configuration = try parse("").get()
        #expect(configuration.name == "concord")
        #expect(configuration.dataDirectory == "./concord-data")
        #expect(configuration.listen == .init(host: "127.0.0.1", port: 7400))
        #expect(configuration.peerListen == .init(host: "127.0.0.1", port: 7401))
        #expect(configuration.cluster == nil)
        #expect(configuration.raft.heartbeatMilliseconds == 50)
        #expect(configuration.raft.electionTimeoutMilliseconds == 250)
    }

    @Test("takes flags without 'serve', and the environment below flags")
    func environment() throws {
        let variables = [
            "CONCORD_DATA": "/env", "CONCORD_NAME": "b", "CONCORD_CLUSTER": "a=1.2.3.4:1,b=127.0.0.1:7401",
        ]
        let configuration = try parse("--data /flag", environment: variables).get()
        #expect(configuration.dataDirectory == "/flag")
        #expect(configuration.name == "b")
        #expect(configuration.cluster?.map(\.name) == ["a", "b"])
        #expect(configuration.listedSelf == ListedMember(name: "b", peerAddress: "127.0.0.1:7401"))
    }

    @Test("has examples that work")
    func examples() {
        #expect(ServerFlags.program.examplesRefused() == [])
    }

    @Test("names the nearest flag and command")
    func nearest() {
        #expect(refusal("serve --lisen 127.0.0.1:1").contains("did you mean '--listen'"))
        #expect(refusal("srve").contains("did you mean 'serve'"))
    }

    @Test(
        "says what a wrong value should be",
        arguments: [
            ("--listen 7400", "a host and a port"), ("--heartbeat 50", "with its unit"),
            ("--election-timeout 10ms", "from 20ms to 1m"), ("--name a/b", "letters, digits"),
            ("--cluster a=127.0.0.1", "NAME=HOST:PORT"), ("--cluster a=h:1,a=h:2", "each name and address once"),
            ("--cluster a=h:1,b=h:1", "each name and address once"), ("--log-level loud", "one of debug"),
            ("dev --members 0", "from 1 to 9"),
        ])
    func wrongValues(line: String, hint: String) {
        #expect(refusal(line).contains(hint), "\(refusal(line))")
    }

    @Test(
        "judges the rules between flags",
        arguments: [
            ("--cluster a=127.0.0.1:7401", "--cluster needs --name"),
            ("--name x --cluster a=127.0.0.1:7401", "--name x is not in --cluster, which lists a"),
            ("--heartbeat 200ms", "does not fit twice into --election-timeout 250ms"),
            ("--listen 0.0.0.0:7400", "--allow-unauthenticated"),
            ("--listen 0.0.0.0:7400 --allow-unauthenticated", "needs a cluster secret"),
            ("--peer-listen 10.0.0.1:7401", "needs a cluster secret"),
            ("--listen localhost:7401", "both use port 7401"), ("--listen example.org:7400", "is no IP address"),
            (
                "--name a --cluster a=127.0.0.1:7401 --advertise-peer 127.0.0.1:9",
                "differs from --cluster, which says a=127.0.0.1:7401"
            ),
            ("--name d --join http://h:1,https://i:2", "--join https://i:2: members do not speak TLS"),
            ("--cluster-secret-file /no/such/file", "cannot be read"),
            ("--cluster-secret-file /dev/null", "has 0 bytes: expected 16 to 4096"),
        ])
    func rules(line: String, hint: String) {
        #expect(refusal(line).contains(hint), "\(refusal(line))")
    }

    @Test("wants to be told an address that others can use in place of a wildcard")
    func wildcards() {
        var configuration = ServerConfiguration(
            name: "a", dataDirectory: "d", listen: .init(host: "0.0.0.0", port: 7400),
            peerListen: .init(host: "0.0.0.0", port: 7401), secret: [UInt8](repeating: 1, count: 16),
            allowsUnauthenticated: true)
        #expect(configuration.objection()?.contains("--advertise-client http://HOST:7400") == true)
        configuration.advertisedClientURL = "http://a.example.org:7400"
        #expect(configuration.objection()?.contains("--advertise-peer HOST:7401") == true)
        configuration.cluster = [ListedMember(name: "a", peerAddress: "a.example.org:7401")]
        #expect(configuration.objection() == nil)
    }

    @Test("shows help and version")
    func help() {
        #expect(refusal("--help").contains("concordd dev"))
        #expect(refusal("serve --help").contains("CONCORD_CLUSTER_SECRET"))
        #expect(refusal("--version").contains(ServerConfiguration.build))
    }
}
