internal import CConcordLinux

/// The clocks of this machine.
package enum SystemClock {
    /// Never goes back and stands still while the machine sleeps: what deadlines are measured with.
    package static func monotonicMilliseconds() -> UInt64 { concord_monotonic_ns() / 1_000_000 }
    package static func monotonicNanoseconds() -> UInt64 { concord_monotonic_ns() }
    /// As the monotonic clock, but it runs on while the machine sleeps: what a client measures its leases with.
    package static func boottimeMilliseconds() -> UInt64 { concord_boottime_ns() / 1_000_000 }
    /// Since 1970, as someone has set it: for people, and for no decision.
    package static func wallMilliseconds() -> UInt64 { concord_wall_ns() / 1_000_000 }
    /// What all threads of this process have used of the processors.
    package static func processTimeNanoseconds() -> UInt64 { concord_process_cpu_ns() }
}

/// The kernel's random numbers.
package enum SystemRandom {
    package static func bytes(count: Int) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: count)
        // Safe: the buffer outlives the call and its count goes with it.
        let result = unsafe bytes.withUnsafeMutableBytes { unsafe concord_random($0.baseAddress, $0.count) }
        precondition(result == 0, "the kernel has no random numbers")
        return bytes
    }

    package static func uint64() -> UInt64 {
        bytes(count: 8).reduce(0) { $0 << 8 | UInt64($1) }
    }

    package static func uint128() -> UInt128 {
        UInt128(uint64()) << 64 | UInt128(uint64())
    }
}
