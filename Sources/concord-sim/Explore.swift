import ConcordCommandLine
import ConcordSimulator
import Foundation

/// `concord-sim --explore`: tries every order of events among three consensus cores.
/// - Parameter arguments: without `--explore`.
func explore(_ arguments: [String], environment: [String: String]) -> ExitCode {
    let parsed: ParsedArguments
    switch Program.start(ExploreFlags.declaration, arguments: arguments, environment: environment) {
    case .run(let arguments): parsed = arguments
    case .exit(let code): return code
    }
    var code = ExitCode.success
    for plan in ExplorerPlan.all where parsed[ExploreFlags.plan] == plan.name || parsed[ExploreFlags.plan] == "all" {
        let settings = ExploreFlags.settings(plan.settings, parsed)
        StandardStream.output.write("\(plan.name)\n")
        if !explore(settings, bytesMax: parsed[ExploreFlags.memory]) { code = .failure }
    }
    return code
}

private func explore(_ settings: ExplorerSettings, bytesMax: Int) -> Bool {
    let clock = ContinuousClock()
    let start = clock.now
    var line = ProgressLine()
    var explorer = Explorer(settings)
    let report = explorer.run { progress in
        line.show(
            "\(progress.states) states, \(rate(progress.states, clock.now - start)), depth \(progress.depth), "
                + "\(progress.frontier) to go, \(progress.bytes >> 20) MiB")
        return progress.bytes <= bytesMax
    }
    line.clear()
    StandardStream.output.write(ExploreText.of(report, taking: clock.now - start))
    return report.violation == nil
}

private func rate(_ count: Int, _ duration: Duration) -> String {
    let milliseconds = max(1, Int(duration.wholeMilliseconds))
    return "\(count / milliseconds * 1000 + count % milliseconds * 1000 / milliseconds)/s"
}

private enum ExploreText {
    static func of(_ report: ExplorerReport, taking duration: Duration) -> String {
        var lines = [
            "  \(report.states) states, \(report.transitions) steps, depth \(report.depth), "
                + (report.isClosed ? "nothing left to try" : "stopped early"),
            "  \(report.members) states of one member, \(report.messages) messages, "
                + "\(report.replays) states reached twice",
            "  \(duration.wholeMilliseconds) ms, \(rate(report.states, duration))",
        ]
        for (name, count) in report.counts { lines.append("  \(name): \(count)") }
        if let violation = report.violation {
            lines.append("VIOLATION: \(violation.rule)")
            for (number, step) in violation.steps.enumerated() { lines.append("  \(number + 1). \(step)") }
        }
        return lines.map { $0 + "\n" }.joined()
    }
}

private enum ExploreFlags {
    static let plan = Flag(
        "plan", .choice(of: ExplorerPlan.all.map(\.name) + ["all"]), default: "elections",
        help: "What to try; the flags below change it.")
    static let states = Flag(
        "states", .integer(in: 1...ExplorerSettings.statesMost), default: "10000000",
        help: "Stop after so many different states.")
    static let memory = Flag("memory", .size(), default: "5GiB", help: "Stop when the tables are larger.")
    static let replayEvery = Flag(
        "replay-every", .integer(in: 1...ExplorerSettings.statesMost), default: "10000",
        help: "Reach every Nth state twice and compare.")
    static let terms = limit("terms", "Highest term.")
    static let proposals = limit("proposals", "Proposals.")
    static let barriers = limit("barriers", "Read barriers.")
    static let heartbeats = limit("heartbeats", "Rounds that begin because time has passed.")
    static let crashes = limit("crashes", "Crashes.")
    static let copies = limit("copies", "Messages that arrive twice.")
    static let timeouts = limit("timeouts", "Election timers that run out for nothing.")
    static let resignations = limit("resignations", "Leaders that step down.")
    static let slowWrites = limit("slow-writes", "Steps that leave writes under way.")
    static let overtakings = limit("overtakings", "Messages that overtake others.")
    static let anyOrder = Switch("any-order", help: "Do not limit slow writes and overtaking.")
    static let preVotes = Switch("pre-votes", help: "Let the messages of pre-votes travel as all others.")

    private static func limit(_ name: String, _ help: String) -> OptionalFlag<Int> {
        OptionalFlag(name, .integer(in: (name == "terms" ? 1 : 0)...ExplorerSettings.limitMax), help: help)
    }

    static let declaration = CommandDeclaration(
        "concord-sim --explore",
        summary: "Tries every order of events among three consensus cores, within limits.",
        flags: [
            plan, states, memory, replayEvery, terms, proposals, barriers, heartbeats, crashes, copies, timeouts,
            resignations, slowWrites, overtakings, anyOrder, preVotes,
        ])

    static func settings(_ plan: ExplorerSettings, _ parsed: ParsedArguments) -> ExplorerSettings {
        var settings = plan
        settings.statesMax = parsed[states]
        settings.replayEvery = parsed[replayEvery]
        settings.terms = parsed[terms] ?? plan.terms
        settings.proposals = parsed[proposals] ?? plan.proposals
        settings.barriers = parsed[barriers] ?? plan.barriers
        settings.heartbeats = parsed[heartbeats] ?? plan.heartbeats
        settings.crashes = parsed[crashes] ?? plan.crashes
        settings.copies = parsed[copies] ?? plan.copies
        settings.timeouts = parsed[timeouts] ?? plan.timeouts
        settings.resignations = parsed[resignations] ?? plan.resignations
        settings.slowWrites = parsed[anyOrder] ? nil : parsed[slowWrites] ?? plan.slowWrites
        settings.overtakings = parsed[anyOrder] ? nil : parsed[overtakings] ?? plan.overtakings
        settings.preVotesTravel = parsed[preVotes] || plan.preVotesTravel
        return settings
    }
}
