import ConcordChecker
import Testing

@Suite struct CheckerTests {
    @Test func modelsHaveTheNamesOfTheField() {
        #expect(Model(rawValue: "cas-register") == .casRegister)
        #expect(Model(rawValue: "list-append") == .listAppend)
    }
}
