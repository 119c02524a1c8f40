/// What libFuzzer calls with each input. A fuzzer is a file that has the function `fuzz`; it fails by a trap.
@_cdecl("LLVMFuzzerTestOneInput")
public func testOneInput(_ data: UnsafePointer<UInt8>?, _ count: Int) -> Int32 {
    // Safe: libFuzzer owns `count` bytes at `data` for as long as this call lasts, and they are copied here.
    fuzz(unsafe [UInt8](UnsafeBufferPointer(start: data, count: count)))
    return 0
}
