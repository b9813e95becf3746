package import DropCore
import ThreadKit

extension JWTCheck {
    /// A check with the keys of a file, a JSON Web Key Set. Blocking; not from the cooperative pool.
    ///
    /// - Parameters:
    ///   - path: absolute.
    ///   - clock: microseconds since 1970.
    /// Errors: `jwt-keys`.
    package static func reading(
        keysFrom path: String, rules: JWTRules, clock: @escaping @Sendable () -> Int64
    ) throws(DropError) -> JWTCheck {
        let text: String
        do throws(FileFailure) {
            text = String(decoding: try SmallFile.read(path, bytesMax: 4 << 20), as: UTF8.self)
        } catch {
            throw DropError(
                "jwt-keys", "The file of http.jwt.keys, \(path), cannot be read: \(error.description).",
                hint: "Save what the provider's jwks_uri gives.", remedy: .suspendSource)
        }
        let result = Monitor<Result<JWTCheck, DropError>?>(nil)
        // Awaited below.
        Task {
            do throws(DropError) {
                let check = try await JWTCheck(rules: rules, keySet: text, clock: clock)
                result.with { $0 = .success(check) }
            } catch {
                result.with { $0 = .failure(error) }
            }
        }
        return try result.wait(until: { $0 != nil }) { (result) throws(DropError) in try result!.get() }
    }
}
