import DropCore
import TwinModel

extension TwinRecord.Property {
    /// The value as a typed value; a value that cannot be read is a damaged database.
    func decoded() throws(DropError) -> PropertyValue {
        do throws(DropError) {
            return try PropertyValue(encoded: Array(value))
        } catch {
            throw StorageFailure.damaged("a property cannot be read: \(error.message)")
        }
    }
}
