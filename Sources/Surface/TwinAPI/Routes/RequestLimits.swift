/// Bounds on what one request may ask for.
package struct RequestLimits: Sendable, Equatable {
    /// Of a request, other than one with models (docs/azure-contract.md, "Limits": 32 KB). Unit: bytes.
    package var bodyBytesMax = 32 << 10
    /// Of an upload of models: 250 of 1 MB at most, in practice far less. Unit: bytes.
    package var modelsBytesMax = 32 << 20
    /// Elements of a page: the default, and the most.
    package var modelsPage = 100
    package var queryPage = 1000
    package var relationshipsPage = 10
    package var listPage = 100
    package var pageMax = 1000

    package init() {}
}
