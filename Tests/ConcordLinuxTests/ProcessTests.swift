import ConcordLinux
import Testing

@Suite("Child processes")
struct ChildProcessTests {
    @Test("tell their exit code")
    func exitCode() throws {
        let child = try ChildProcess(path: "/bin/sh", arguments: ["-c", "exit 7"])
        #expect(child.wait(milliseconds: 10_000) == .exited(code: 7))
        #expect(child.poll() == .exited(code: 7))
        child.send(.kill)
    }

    @Test("are stopped, resumed and killed")
    func signals() throws {
        let child = try ChildProcess(path: "/bin/sleep", arguments: ["1000"])
        #expect(child.poll() == nil)
        child.send(.stop)
        child.send(.resume)
        #expect(child.poll() == nil)
        child.send(.kill)
        #expect(child.wait(milliseconds: 10_000) == .killed(signal: 9))
    }

    @Test("see their arguments, environment and standard descriptors, and no other descriptor")
    func inheritance() throws {
        let output = try Pipe.make()
        let child = try ChildProcess(
            path: "/bin/sh", arguments: ["-c", "echo \"$1 $CONCORD_X\"; ls /proc/self/fd | wc -l", "sh", "a b"],
            environment: ["CONCORD_X=set", "PATH=/usr/bin:/bin"],
            standard: .init(output: output.writer.number))
        #expect(child.wait(milliseconds: 10_000) == .exited(code: 0))
        // Descriptors of `ls`: the three standard ones and the directory it lists.
        #expect(String(decoding: try output.reader.read(count: 1000), as: UTF8.self) == "a b set\n4\n")
    }

    @Test("that cannot be started say why")
    func missing() {
        #expect {
            _ = try ChildProcess(path: "/no/such/program", arguments: [])
        } throws: { error in
            (error as? SystemError)?.isNotFound == true
        }
    }

    @Test("start with default signals, so they can be terminated")
    func defaultSignals() throws {
        let thread = try Thread.start(name: "blocked") {
            do {
                let signals = try SignalSource([.terminate])
                let child = try ChildProcess(path: "/bin/sleep", arguments: ["1000"])
                child.send(.terminate)
                #expect(child.wait(milliseconds: 10_000) == .killed(signal: 15))
                #expect(try signals.next() == nil)
            } catch {
                Issue.record(error)
            }
        }
        thread.join()
    }
}

@Suite("Signals")
struct SignalTests {
    @Test("arrive as values, and one at a time")
    func values() throws {
        let thread = try Thread.start(name: "signals") {
            do {
                let signals = try SignalSource([.terminate, .interrupt])
                #expect(try signals.next() == nil)
                SignalSource.sendToThisThread(.terminate)
                #expect(try signals.descriptor.waitReadable(milliseconds: 10_000))
                #expect(try signals.next() == .terminate)
                #expect(try signals.next() == nil)
            } catch {
                Issue.record(error)
            }
        }
        thread.join()
    }
}

@Suite("Clocks and random numbers")
struct ClockTests {
    @Test("the monotonic clocks never go back, and the processor time grows with work")
    func monotonic() {
        let (start, used) = (SystemClock.monotonicNanoseconds(), SystemClock.processTimeNanoseconds())
        var last = start
        while SystemClock.monotonicNanoseconds() < start + 2_000_000 {
            let now = SystemClock.monotonicNanoseconds()
            #expect(now >= last)
            last = now
        }
        #expect(SystemClock.processTimeNanoseconds() > used)
        #expect(SystemClock.boottimeMilliseconds() >= SystemClock.monotonicMilliseconds())
        #expect(SystemClock.wallMilliseconds() > 1_700_000_000_000)
    }

    @Test("random numbers differ")
    func random() {
        #expect(SystemRandom.bytes(count: 0) == [])
        #expect(Set((0..<1000).map { _ in SystemRandom.uint128() }).count == 1000)
    }

    @Test("the program knows its file, its number and its memory")
    func ownProcess() {
        #expect(ProcessEnvironment.executablePath.hasPrefix("/"))
        #expect(ProcessEnvironment.processIdentifier > 1)
        #expect(ProcessEnvironment.residentBytes > 1 << 20)
        #expect(ProcessEnvironment.raiseDescriptorLimit() >= 256)
        #expect(ProcessEnvironment.variables(prefix: "PATH").contains { $0.name == "PATH" && $0.value.contains("/") })
    }
}
