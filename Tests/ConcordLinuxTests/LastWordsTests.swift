import ConcordLinux
import Foundation
import Testing

@Suite struct LastWordsTests {
    @Test func aTrapSaysWhatItsThreadWasDoing() async throws {
        let ended = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
            LastWords.willBeSaid()
            LastWords.set("the main thread's words\n")
            let trapping = Thread {
                LastWords.set("the trapping thread's words\n")
                preconditionFailure("trapped")
            }
            trapping.start()
            while !trapping.isFinished { await Task.yield() }
        }
        let said = String(decoding: try #require(ended).standardErrorContent, as: UTF8.self)
        #expect(said.contains("the trapping thread's words\n"))
        #expect(!said.contains("the main thread's"))
    }

    @Test func theProgramStillEndsByItsSignal() async {
        await #expect(processExitsWith: .signal(SIGABRT)) {
            LastWords.willBeSaid()
            LastWords.set("aborted\n")
            abort()
        }
    }
}
