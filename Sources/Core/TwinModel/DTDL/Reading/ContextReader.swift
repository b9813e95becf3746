/// Reads one `@context` on top of those above it.
struct ContextReader {
    let options: ModelOptions
    /// The context above; nil at the top of a document.
    let outer: ActiveContext?
    private(set) var problems: [(id: DTDLErrorID, value: String?, offset: Int)] = []

    private var version: Int?
    private var limits: DTDLLimits?
    private var found: [String: String] = [:]
    private var isIncomplete = false
    /// The specifiers of extensions so far.
    private var affiliates: [String] = []
    /// True when the rest cannot be judged.
    private var isBroken = false
    /// Whether `#limitless` was the specifier before.
    private var awaitsLimits = false

    init(options: ModelOptions, outer: ActiveContext?) {
        self.options = options
        self.outer = outer
    }

    /// The context that applies below `node`; nil if it is too broken to continue. `problems` has what is wrong.
    mutating func read(_ node: JSONNode) -> ActiveContext? {
        switch node.value {
        case .string(let text): read(text, at: node.range.lowerBound)
        case .array(let elements):
            if elements.isEmpty, outer == nil { report(.emptyContext, nil, node.range.lowerBound) }
            for element in elements where !isBroken {
                switch element.value {
                case .string(let text): read(text, at: element.range.lowerBound)
                case .object: report(.disallowedLocalContext, nil, element.range.lowerBound)
                default: report(.invalidContext, nil, element.range.lowerBound)
                }
            }
        case .object: report(.disallowedLocalContext, nil, node.range.lowerBound)
        default: report(.invalidContext, nil, node.range.lowerBound)
        }
        if awaitsLimits, !isBroken { report(.missingLimitContext, nil, node.range.lowerBound) }
        guard let version = version ?? outer?.version else {
            if problems.isEmpty { report(.missingDtdlContext, nil, node.range.lowerBound) }
            return nil
        }
        guard problems.isEmpty else { return nil }
        return context(version)
    }

    private func context(_ version: Int) -> ActiveContext {
        var made = ActiveContext(
            version: version, limits: limits ?? (self.version == nil ? outer?.limits : nil) ?? .of(version),
            extensions: outer?.extensions ?? [:], isIncomplete: isIncomplete || outer?.isIncomplete == true)
        for (name, context) in found { made.extensions[name] = context }
        return made
    }

    private mutating func report(_ id: DTDLErrorID, _ value: String?, _ offset: Int) {
        problems.append((id, value, offset))
    }

    private mutating func read(_ text: String, at offset: Int) {
        guard text.utf8.starts(with: "dtmi:".utf8) else { return report(.nonDtmiContextSpecifier, text, offset) }
        guard let id = DTMI(text) else { return report(.invalidContextSpecifier, text, offset) }
        let isLimits = DTDLLimits.extensions[id.versionless] != nil
        if awaitsLimits, isLimits || id.versionless == "dtmi:dtdl:context" {
            awaitsLimits = false
            return readLimits(id, at: offset)
        }
        if awaitsLimits {
            isBroken = true
            return report(.missingLimitContext, text, offset)
        }
        if id.versionless == "dtmi:dtdl:context" { return readLanguage(id, at: offset) }
        if isLimits {
            let isFirst = version == nil && outer == nil
            isBroken = isFirst
            return report(isFirst ? .missingDtdlContext : .misplacedLimitContext, text, offset)
        }
        affiliates.append(text)
        readExtension(id, at: offset)
    }

    private mutating func readLanguage(_ id: DTMI, at offset: Int) {
        guard id.hasVersion else { return report(.missingContextVersion, id.text, offset) }
        guard id.minor == 0 else { return report(.invalidContextSpecifierForVersion, id.text, offset) }
        guard (2...4).contains(id.major) else { return report(.unrecognizedContextVersion, id.text, offset) }
        guard id.major <= options.versionMax else { return report(.disallowedContextVersion, id.text, offset) }
        if let fragment = id.fragment {
            guard id.major >= 4 else { return report(.disallowedContextFragment, id.text, offset) }
            switch fragment {
            case "limitless": awaitsLimits = true
            case "limits": return report(.misplacedLimitContext, id.text, offset)
            default: return report(.invalidContextFragment, id.text, offset)
            }
        }
        let isExcepted = version == nil && id.major == 2 && affiliates == ["dtmi:iotcentral:context;2"]
        guard affiliates.isEmpty || isExcepted else { return report(.dtdlContextFollowsAffiliate, id.text, offset) }
        version = id.major
        limits = nil
    }

    private mutating func readLimits(_ id: DTMI, at offset: Int) {
        if id.versionless == "dtmi:dtdl:context" {
            guard id.major == 4, id.minor == 0, id.fragment != "limitless" else {
                return report(.missingLimitContext, id.text, offset)
            }
            guard id.fragment == nil || id.fragment == "limits" else {
                return report(.invalidContextFragment, id.text, offset)
            }
            limits = .core4
            return
        }
        guard id.fragment == nil else { return report(.invalidContextSpecifier, id.text, offset) }
        guard id.hasVersion else { return report(.missingContextVersion, id.text, offset) }
        if let allowed = options.acceptableLimits, !allowed.contains(where: { $0 == id.text || $0 == id.versionless }) {
            return report(.disallowedLimitContext, id.text, offset)
        }
        guard id.major == 1, id.minor == 0 else { return report(.unresolvableContextVersion, id.text, offset) }
        limits = DTDLLimits.extensions[id.versionless]
    }

    private mutating func readExtension(_ id: DTMI, at offset: Int) {
        guard let version = version ?? outer?.version else {
            found[id.versionless] = id.text  // A language specifier has to follow, which is right for one extension only.
            return
        }
        if id.fragment != nil {
            return report(version >= 4 ? .invalidContextFragment : .disallowedContextFragment, id.text, offset)
        }
        if version >= 3, !id.hasVersion { return report(.missingContextVersion, id.text, offset) }
        if version == 2, !id.hasVersion || id.minor > 0 {
            return report(.invalidContextSpecifierForVersion, id.text, offset)
        }
        let allowsUnknown = options.allowsUndefinedExtensions ?? (version == 2)
        if Extension.all[id.text] != nil {
            found[id.versionless] = id.text
        } else if allowsUnknown {
            isIncomplete = true
        } else if let versions = Extension.versions[id.versionless], !versions.isEmpty {
            report(.unresolvableContextVersion, id.text, offset)
        } else {
            report(.unresolvableContextSpecifier, id.text, offset)
        }
    }
}
