import ConcordBench
import ConcordClient
import ConcordCommandLine
import Testing

@Suite struct BenchTests {
    @Test func everyExampleOfTheHelpIsRight() {
        #expect(BenchDeclaration.program.examplesRefused() == [])
    }

    @Test func theKernelsLinesAreUnderstood() {
        let line =
            "123 (a) b (c) S 1 123 123 0 -1 4194560 0 0 0 0 250 50 0 0 20 0 1 0 100 1000000 500 18446744073709551615"
        let times = ProcessTimes.parse(line)
        #expect(times?.state == "S")
        #expect(times?.user == 250)
        #expect(times?.system == 50)
        for wrong in ["", "123", "123 (a", "123 (a) S 1 2", "123 (a) S 1 2 3 4 5 6 7 8 9 10 x y"] {
            #expect(ProcessTimes.parse(wrong) == nil, "\(wrong)")
        }
    }

    @Test func theMostMemoryOfAProcessIsFound() {
        let status = "Name:\tx\nVmPeak:\t  9 kB\nVmHWM:\t    1234 kB\nVmRSS:\t 7 kB\n"
        #expect(ProcessTimes.peakBytes(status: status) == 1234 << 10)
        for wrong in ["", "VmRSS:\t 7 kB", "VmHWM:\t", "VmHWM:\t 7", "VmHWM:\t 7 MB", "VmHWM:\t x kB"] {
            #expect(ProcessTimes.peakBytes(status: wrong) == nil, "\(wrong)")
        }
    }

    @Test func aLineOfAMembersLogIsUnderstood() {
        let line =
            #"{"time":"2026-01-31T23:59:59.250Z","level":"info","event":"snapshot_written","bytes":12,"name":"7"}"#
        let event = MemberLog.event(line)
        #expect(event?.name == "snapshot_written")
        #expect(event?.wallMilliseconds == 1_769_903_999_250)
        #expect(event?.numbers == ["bytes": 12])
        for wrong in ["", "Killed", "[]", "{\"event\":\"x\"}", "{\"time\":\"now\",\"event\":\"x\"}"] {
            #expect(MemberLog.event(wrong) == nil, "\(wrong)")
        }
    }

    @Test func aListenerIsFoundAndAConnectionIsNot() {
        let table = """
              sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
               0: 0100007F:1CE8 0100007F:C350 01 00000000:00000000 00:00000000 00000000     0        0 111 1
               1: 0100007F:1CE8 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 222 1
            """
        #expect(ProcessTimes.inode(listeningOn: 7400, in: table) == "222")
        #expect(ProcessTimes.inode(listeningOn: 7401, in: table) == nil)
        #expect(ProcessTimes.inode(listeningOn: 7400, in: "") == nil)
    }

    @Test func whatTheDriversPrintIsUnderstood() {
        let etcd = "etcd put clients=64 ops/s=7291 p50=8.01ms p99=22.50ms p999=40.00ms errors=3\n"
        let figures = PeerCluster.parse(etcd)
        #expect(figures?.operationsPerSecond == 7291)
        #expect(figures?.p50Milliseconds == 8.01)
        #expect(figures?.p99Milliseconds == 22.5)
        #expect(figures?.errors == 3)
        #expect(PeerCluster.parse("usage") == nil)
        #expect(PeerCluster.parse("etcd put ops/s=7 p50=x p99=1ms errors=0") == nil)
    }
}

/// The check of durability, and the histories that it must reject.
@Suite struct AcknowledgedWritesTests {
    private func node(_ path: String, _ value: String?, _ revision: UInt64) -> ConcordNode {
        ConcordNode(
            path: path, value: value.map { ConcordValue($0) }, kind: "persistent", revision: revision,
            createRevision: revision, version: 1, childRevision: revision, childrenCount: 0, lease: nil)
    }

    private func ledger() -> AcknowledgedWrites {
        let ledger = AcknowledgedWrites()
        ledger.add("/d/a", .init(value: "1", revision: 5))
        ledger.add("/d/b", .init(value: "2", revision: 6))
        ledger.add("/other/c", .init(value: "3", revision: 7))
        return ledger
    }

    @Test func whatIsThereIsNotMissed() {
        let found = ["/d/a": node("/d/a", "1", 5), "/d/b": node("/d/b", "2", 6), "/d/new": node("/d/new", "x", 9)]
        #expect(ledger().missing(below: "/d", found, "now") == [])
    }

    @Test func everyKindOfLossIsNamed() {
        let right = node("/d/b", "2", 6)
        for (wrong, words) in [
            (nil, "is missing"), (node("/d/a", "0", 5), "with '0'"), (node("/d/a", "1", 4), "is at 4"),
            (node("/d/a", nil, 5), "with 'no text'"),
        ] as [(ConcordNode?, String)] {
            var found = ["/d/b": right]
            found["/d/a"] = wrong
            let sentences = ledger().missing(below: "/d", found, "now")
            #expect(sentences.count == 1)
            #expect(sentences.first?.contains(words) == true, "\(sentences)")
            #expect(sentences.first?.hasPrefix("now: /d/a, acknowledged at revision 5 with '1'") == true)
        }
    }

    @Test func aLossIsToldOnce() {
        let ledger = ledger()
        #expect(ledger.missing(below: "/d", [:], "now").count == 2)
        #expect(ledger.missing(below: "/d", [:], "later").isEmpty)
        #expect(ledger.missing(below: "/other", [:], "later").count == 1)
    }
}
