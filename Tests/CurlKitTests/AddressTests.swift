import Testing

@testable import CurlKit

@Suite struct `A web address` {
    @Test(arguments: [
        (
            "https://exports.plant.example/a/b.ndjson?sig=abc", "https://exports.plant.example",
            "https://exports.plant.example/a/b.ndjson?redacted"
        ),
        ("HTTP://Exports.Plant:8080/x", "http://exports.plant:8080", "http://Exports.Plant:8080/x"),
        ("https://host:443/x", "https://host", "https://host:443/x"),
        ("http://[::1]:9/x", "http://[::1]:9", "http://[::1]:9/x"),
        // Other ways to write 127.0.0.1 are told as what they are.
        ("http://0x7f.1/x", "http://127.0.0.1", "http://127.0.0.1/x"),
        ("http://2130706433/", "http://127.0.0.1", "http://127.0.0.1/"),
    ])
    func `says whom it leads to, and hides its query`(text: String, origin: String, shown: String) throws {
        let address = try WebAddress(text)
        #expect(address.origin.text == origin)
        #expect(address.shown == shown)
    }

    @Test(arguments: [
        "", "x", "/path", "ftp://host/x", "file:///etc/passwd", "https://", "https://user:pw@host/x",
        "https://user@host/", "https://host/x#part", "https://host:99999/", "https://ho st/", "https://host/\u{0}",
        "https://host/" + String(repeating: "x", count: 9000),
    ])
    func `that leads nowhere, or holds a password, is refused`(text: String) {
        #expect(throws: TransferError.self) { try WebAddress(text) }
    }

    @Test(arguments: [
        ("exports.plant", "https://exports.plant"), ("Exports.Plant:8443", "https://exports.plant:8443"),
        ("http://127.0.0.1:10000", "http://127.0.0.1:10000"), ("https://a.example:443", "https://a.example"),
        ("[::1]:80", "https://[::1]:80"),
    ])
    func `of a host alone can be written short`(text: String, expected: String) {
        #expect(WebOrigin(text)?.text == expected)
    }

    @Test(arguments: ["", "*", "ftp://x", "https://host/path", "host/path", "host?x", "user@host", "a b", "http://"])
    func `with more than a host is no origin`(text: String) {
        #expect(WebOrigin(text) == nil)
    }
}

@Suite struct `An internet address` {
    @Test(arguments: ["8.8.8.8", "172.15.0.1", "172.32.0.1", "2a00:1450::1", "::ffff:8.8.8.8", "64:ff9b::808:808"])
    func `of the public Internet is known as such`(text: String) throws {
        #expect(try #require(InternetAddress(text)).isPublic)
    }

    @Test(arguments: [
        "127.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "0.0.0.0", "224.0.0.1",
        "255.255.255.255", "::1", "::", "fe80::1", "fd00::1", "ff02::1", "::ffff:10.0.0.1", "64:ff9b::a00:1", "2002:7f00:1::",
        "2001:db8::1", "2001::1", "::127.0.0.1",
    ])
    func `of this machine, a private network or no network is not public`(text: String) throws {
        #expect(try !#require(InternetAddress(text)).isPublic)
    }

    @Test(arguments: [
        ("10.0.0.0/8", "10.255.0.1", true), ("10.0.0.0/8", "11.0.0.1", false), ("10.1.2.3", "10.1.2.3", true),
        ("10.1.2.3", "10.1.2.4", false), ("fd00::/8", "fd12::1", true), ("fd00::/8", "fe80::1", false),
        ("0.0.0.0/0", "1.2.3.4", true), ("0.0.0.0/0", "fd00::1", false), ("10.0.0.0/8", "::ffff:10.0.0.1", true),
    ])
    func `lies in a network or outside it`(network: String, address: String, expected: Bool) throws {
        #expect(try #require(Network(network)).contains(try #require(InternetAddress(address))) == expected)
    }

    @Test(arguments: [
        "", "10.0.0.0/33", "10.0.0.1/8", "10.0.0/8", "fd00::/129", "x/8", "10.0.0.0/", "10.0.0.0/-1", "10.0.0.0/+8",
    ])
    func `range that is none is refused`(text: String) {
        #expect(Network(text) == nil)
    }
}

@Suite struct `Rules of transfers` {
    @Test func `allow listed origins only, and private addresses only where they are listed`() throws {
        let rules = TransferRules(
            origins: [WebOrigin("inside.plant")!, WebOrigin("http://127.0.0.1:9")!], networks: [Network("10.0.0.0/8")!])
        try rules.check(try WebAddress("https://inside.plant/x"))
        for other in [
            "http://inside.plant/x", "https://inside.plant:8443/", "https://inside.plant.evil.example/", "https://127.0.0.1:9/",
        ] {
            #expect(throws: TransferError.self) { try rules.check(try WebAddress(other)) }
        }
        let (inside, local) = (WebOrigin("inside.plant")!, WebOrigin("http://127.0.0.1:9")!)
        #expect(rules.allows(InternetAddress("10.0.0.7")!, of: inside))
        #expect(rules.allows(InternetAddress("8.8.8.8")!, of: inside))
        #expect(!rules.allows(InternetAddress("169.254.169.254")!, of: inside))
        #expect(rules.allows(InternetAddress("127.0.0.1")!, of: local))
    }
}
