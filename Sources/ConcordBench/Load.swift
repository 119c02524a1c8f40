package import ConcordLinux
import Synchronization

/// Runs a plan on one or more threads.
package enum Load {
    /// - Parameter threads: the clients are spread over as many; no more than there are clients.
    package static func run(_ plan: LoadPlan, threads: Int) throws(SystemError) -> LoadOutcome {
        let threads = max(1, min(threads, plan.clients))
        if threads == 1 { return try LoadLoop(plan).run(seconds: plan.seconds) }
        let results = Mutex<[Result<LoadOutcome, SystemError>]>([])
        var running: [Thread] = []
        for index in 0..<threads {
            var part = plan
            part.clients = plan.clients / threads + (index < plan.clients % threads ? 1 : 0)
            part.seed = plan.seed &+ UInt64(index)
            running.append(
                try Thread.start(name: "load") { [part] in
                    let result: Result<LoadOutcome, SystemError>
                    do throws(SystemError) {
                        result = .success(try LoadLoop(part).run(seconds: part.seconds))
                    } catch {
                        result = .failure(error)
                    }
                    results.withLock { $0.append(result) }
                })
        }
        for thread in running { thread.join() }
        var sum = LoadOutcome()
        for result in results.withLock({ $0 }) { sum.add(try result.get()) }
        return sum
    }
}
