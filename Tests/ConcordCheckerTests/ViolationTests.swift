import Testing

/// Each kind of violation, in as many histories as there are seeds.
@Suite struct ViolationTests {
    @Test func kindsAreMany() {
        let kinds = [
            RegisterViolation.allCases.map(\.testDescription), CollectionViolation.allCases.map(\.testDescription),
            LockViolation.allCases.map(\.testDescription), TreeViolation.allCases.map(\.testDescription),
            TransactionViolation.allCases.map(\.testDescription), WatchViolation.allCases.map(\.testDescription),
            LeaseViolation.allCases.map(\.testDescription), TopicViolation.allCases.map(\.testDescription),
            FencingViolation.allCases.map(\.testDescription),
        ]
        #expect(kinds.flatMap { $0 }.count == 133)
    }

    @Test(arguments: RegisterViolation.allCases) func ofARegisterIsCaught(_ kind: RegisterViolation) {
        kind.expectAllCaught()
    }

    @Test(arguments: CollectionViolation.allCases) func ofACollectionIsCaught(_ kind: CollectionViolation) {
        kind.expectAllCaught()
    }

    @Test(arguments: LockViolation.allCases) func ofALockIsCaught(_ kind: LockViolation) {
        kind.expectAllCaught()
    }

    @Test(arguments: TreeViolation.allCases) func ofATreeIsCaught(_ kind: TreeViolation) {
        kind.expectAllCaught()
    }

    @Test(arguments: TransactionViolation.allCases) func ofTransactionsIsCaught(_ kind: TransactionViolation) {
        kind.expectAllCaught()
    }

    @Test(arguments: WatchViolation.allCases) func ofAWatchIsCaught(_ kind: WatchViolation) {
        kind.expectAllCaught()
    }

    @Test(arguments: LeaseViolation.allCases) func ofALeaseIsCaught(_ kind: LeaseViolation) {
        kind.expectAllCaught()
    }

    @Test(arguments: TopicViolation.allCases) func ofATopicIsCaught(_ kind: TopicViolation) {
        kind.expectAllCaught()
    }

    @Test(arguments: FencingViolation.allCases) func ofAFencedLockIsCaught(_ kind: FencingViolation) {
        kind.expectAllCaught()
    }
}
