import CodecKit
import DropCore
import TwinModel

extension Call {
    func answerJobs(_ route: Route) throws(APIError) -> APIResponse {
        guard let jobs = api.jobs else { throw APIError(.notFound, "This server offers no bulk jobs.") }
        do throws(APIError) {
            return try answerJobs(route, jobs)
        } catch {
            guard error.code == .surface(.tooManyRequests) else { throw error }
            return ErrorShape.jobAlreadyRuns(error)
        }
    }

    private func answerJobs(_ route: Route, _ jobs: JobStore) throws(APIError) -> APIResponse {
        switch (route, request.method) {
        case (.importJobs, _): return try list(jobs, .imports)
        case (.deletionJobs, "GET"): return try list(jobs, .deletions)
        case (.importJob(let id), "PUT"):
            let body = try object()
            guard let input = body["inputBlobUri"]?.string, let output = body["outputBlobUri"]?.string else {
                throw APIError(.validationFailed, "The body needs the texts \"inputBlobUri\" and \"outputBlobUri\".")
            }
            return .json(201, try jobs.startImport(id, input: input, output: output, by: caller).document)
        case (.importJob(let id), "DELETE"):
            try jobs.forgetImport(id)
            return .empty()
        case (.importJob(let id), _): return .json(200, try jobs.job(id, .imports).document)
        case (.importCancellation(let id), _): return .json(200, try jobs.cancelImport(id).document)
        case (.deletionJobs, _): return try startDeletion(jobs)
        case (.deletionJob(let id), _): return .json(200, try jobs.job(id, .deletions).document)
        default: throw APIError(.notFound, "There is nothing at this path.")
        }
    }

    private func list(_ jobs: JobStore, _ kind: JobRecord.Kind) throws(APIError) -> APIResponse {
        let token = try page(kind.rawValue, standard: api.limits.listPage)
        let page = jobs.list(kind, after: token.position, limit: token.limit)
        return pageResponse(page.elements.map { $0.utf8() }, token, next: page.next)
    }

    private func startDeletion(_ jobs: JobStore) throws(APIError) -> APIResponse {
        var minutes = 720
        if let text = request.parameter("timeoutInMinutes") {
            guard let wanted = Int(text), (15...1440).contains(wanted) else {
                throw APIError(.validationFailed, "The parameter timeoutInMinutes must be 15 to 1440.")
            }
            minutes = wanted
        }
        let id = request.header("operation-id").flatMap { $0.isEmpty ? nil : $0 } ?? Self.newID()
        let record = try jobs.startDeletion(id, timeout: minutes, by: caller)
        let headers = [("Operation-Location", url("/jobs/deletions/\(PercentCoding.encoded(id))")), ("Operation-Id", id)]
        return .json(202, record.document, headers: headers.map { (name: $0.0, value: $0.1) })
    }

    private static func newID() -> String {
        var random = SystemRandomNumberGenerator()
        let digits = Array(Hex.text((0..<16).map { _ in UInt8.random(in: 0...255, using: &random) }))
        return [digits[0..<8], digits[8..<12], digits[12..<16], digits[16..<20], digits[20..<32]].map { String($0) }
            .joined(separator: "-")
    }
}
