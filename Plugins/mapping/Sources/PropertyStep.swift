import TwinDropPluginSDK

/// How one property is set, without references: everything that is more than a number is in `MappingPlan`, at an index.
struct PropertyStep: Sendable {
    enum Source: UInt8, Sendable { case column, template, constantText, constantInt, constantDouble, constantBool }

    enum Kind: UInt8, Sendable { case string, int, double, bool, date, dateTime, time, duration, json }

    /// What happens without a value.
    enum Missing: UInt8, Sendable { case unset, skip, reject }

    /// What happens with a value that does not fit the type.
    enum Bad: UInt8, Sendable { case reject, empty }

    /// What happens with a word that a table does not have.
    enum Otherwise: UInt8, Sendable { case keep, empty, reject }

    var key = Key.none
    /// Number of the column in the plan.
    var column: Int32 = 0
    /// The place of the column in the current file; see `RowMapper`.
    var place: Int32 = 0
    var kind = Kind.string
    /// Only type, null words and policies are set, so the short way is enough.
    var isSimple = false
    var missing = Missing.unset
    var bad = Bad.reject
    var format = NumberFormat.plain
    /// Only the units that its detail names may follow the number.
    var hasUnits = false
    /// Index of null words; -1 for none.
    var nulls: Int32 = -1
    /// Bit n: some null word has n bytes (63: or more).
    var nullLengths: UInt64 = 0
    /// Index of the date pattern; -1 for the ISO form.
    var pattern: Int32 = -1
    /// Index of its details.
    var detail: Int32 = 0
}

/// The other settings of a property that needs more than the short way. They are separate, so that a step stays one cache line.
struct PropertyDetail: Sendable {
    var source = PropertyStep.Source.column
    /// Index of the template.
    var template = -1
    var text = Bytes.empty
    var number: Int64 = 0
    var double = 0.0
    /// Put in place of a missing value.
    var standard: Bytes = .empty
    var hasStandard = false
    var trims = false
    var letters = Template.Letters.kept
    /// Index of the table `values`; -1 for none.
    var words = -1
    /// Name of the host's lookup table; empty for none.
    var lookup = Bytes.empty
    var otherwise = PropertyStep.Otherwise.keep
    /// The unit of a duration; nil for the ISO form.
    var unit: TimeUnit?
    /// Index of the words for true and for false; -1 for the usual.
    var truths = -1
    /// Index of the property's name, for messages.
    var title = 0
}

/// Settings with references that few properties need. They have the same index as the detail, and are never copied as a whole.
struct PropertyExtra: Sendable {
    /// Units that may follow a number, the longest first; empty if it is a number alone, or `format` allows any one unit.
    var units: [Bytes] = []
    /// The clocks for reading a time without an offset.
    var zone = Zone(offsetMinutes: 0)
    var gap = Zone.Choice.refuse
    var overlap = Zone.Choice.refuse
    /// The words of the type bool as messages have them.
    var truthText = ""
}

/// A twin or relationship made from each record.
struct Rule: Sendable {
    enum Missing: UInt8, Sendable { case reject, skip, delete }

    var isRelationship = false
    var verb = Verb.upsert
    /// Indices of templates; -1 where there is none. `id` is the twin's or the relationship's.
    var id = -1
    var source = -1
    var target = -1
    /// Model, or name of the relationship.
    var key = Key.none
    /// Indices of conditions; -1 for none.
    var condition = -1
    var deletion = -1
    /// When a part of id, source or target is empty.
    var missing = Missing.reject
    var firstStep = 0
    var stepCount = 0
    /// The place in the settings, for messages.
    var title = 0
}

/// Everything that a mapping does, compiled once from the settings. Only `columns` is set again for each file.
struct MappingPlan: Sendable {
    var dialect: Dialect
    var columns: ColumnNames
    var allowsMissingColumns: Bool
    /// The scope of every file; nil if there is none, or `scopeTemplate` gives it.
    var scope: String?
    /// Index of the template that gives a file's scope from its records; -1 for none.
    var scopeTemplate = -1
    var nameMatches: [Glob]
    /// Whether messages about cells may quote them.
    var showsValues: Bool
    /// Columns of `occurrence`; nil if nothing counts, empty for all cells.
    var occurrenceColumns: [Int]?
    /// Index of the condition every record must meet; -1 for none.
    var condition: Int
    let rules: Fixed<Rule>
    let steps: Fixed<PropertyStep>
    let details: Fixed<PropertyDetail>
    let extras: Fixed<PropertyExtra>
    let templates: Fixed<Template>
    let conditions: Fixed<Condition>
    let nulls: Fixed<WordTable>
    let words: Fixed<WordTable>
    let patterns: Fixed<DatePattern>
    let titles: [String]
    /// Null words that make a part of an id missing, beside the empty text.
    let idNulls: Int
    let idNullLengths: UInt64
}
