/// What an exploration covers. Within these limits every order of everything is tried.
package struct ExplorerSettings: Sendable {
    /// Nobody stands for a higher term.
    package var terms = 2
    package var proposals = 0
    package var barriers = 0
    /// Rounds that begin because time has passed; each leadership begins with one of its own.
    package var heartbeats = 0
    package var crashes = 0
    /// Messages that arrive twice.
    package var copies = 0
    /// Election timers that run out without anyone letting the member stand.
    package var timeouts = 0
    /// Leaders that step down within their term.
    package var resignations = 0
    /// Leaders that are told to hand over. None gives it up: that takes time.
    package var transfers = 0
    /// Steps after which a member's writes stay under way for a while; `nil`: any number.
    package var slowWrites: Int? = 0
    /// Messages that overtake others of their sender and receiver, which then still come; `nil`: any number.
    package var overtakings: Int? = 0
    /// Whether the messages of a pre-vote are under way as all others are. Otherwise a pre-vote that is granted
    /// is one step.
    package var preVotesTravel = false
    /// Ends the exploration before everything was tried.
    package var statesMax = 10_000_000
    /// Each so-manieth state is reached once more, by cores that really went its whole way, and compared.
    package var replayEvery: Int?
    /// A broken disk that loses the vote in a crash: an exploration must find what comes of it.
    package var forgetsVotes = false

    /// The most that a limit may be.
    package static let limitMax = 15
    package static let statesMost = 1_000_000_000

    package init() {}

    var isWithinBounds: Bool {
        let limits = [proposals, barriers, heartbeats, crashes, copies, timeouts, resignations, transfers]
        let limit = 0...ExplorerSettings.limitMax
        return (1...ExplorerSettings.limitMax).contains(terms) && limits.allSatisfy(limit.contains)
            && limit.contains(slowWrites ?? 0) && limit.contains(overtakings ?? 0) && replayEvery != 0
            && (1...ExplorerSettings.statesMost).contains(statesMax)
    }
}

/// Limits that go together. Each is chosen so that one kind of trouble lies within reach: with all kinds at once,
/// millions of states are no more than two elections.
package struct ExplorerPlan: Sendable {
    package let name: String
    package let settings: ExplorerSettings

    private init(_ name: String, _ change: (inout ExplorerSettings) -> Void) {
        var settings = ExplorerSettings()
        change(&settings)
        self.name = name
        self.settings = settings
    }

    package static let all: [ExplorerPlan] = [
        ExplorerPlan("elections") { $0.terms = 3 },
        ExplorerPlan("replication") {
            $0.proposals = 1
            $0.heartbeats = 1
        },
        ExplorerPlan("reads") {
            $0.barriers = 1
            $0.resignations = 1
        },
        ExplorerPlan("transfers") {
            $0.proposals = 1
            $0.transfers = 1
        },
        ExplorerPlan("crashes") {
            $0.crashes = 1
            $0.slowWrites = 2
        },
        ExplorerPlan("disorder") {
            $0.proposals = 1
            $0.copies = 1
            $0.overtakings = 1
        },
        ExplorerPlan("everything") {
            $0.proposals = 1
            $0.barriers = 1
            $0.heartbeats = 1
            $0.crashes = 1
            $0.copies = 1
            $0.timeouts = 1
            $0.resignations = 1
            $0.transfers = 1
            $0.slowWrites = nil
            $0.overtakings = nil
            $0.preVotesTravel = true
        },
    ]
}
