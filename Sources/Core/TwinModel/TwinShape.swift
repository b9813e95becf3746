/// What a twin of one model may have: the model, and those of its components by their names.
package struct TwinShape: Sendable {
    package let model: EffectiveModel
    package let components: [String: EffectiveModel]
    /// Where schemas that contain themselves (DTDL v4) are found.
    package let models: ModelSet

    package init(model: EffectiveModel, components: [String: EffectiveModel], models: ModelSet) {
        self.model = model
        self.components = components
        self.models = models
    }
}

/// Where a property is: in the twin itself, or in one of its components.
package struct PropertyPath: Sendable, Hashable {
    /// Nil: the twin itself.
    package let component: String?
    package let name: String

    package init(_ component: String?, _ name: String) {
        self.component = component
        self.name = name
    }

    /// As operations and the store name it: `name`, or `component/name`.
    package var key: String { component.map { "\($0)/\(name)" } ?? name }

    /// Reads `key`. A name of the twin itself may have a slash only where no component is meant, which DTDL rules out.
    package init(key: String) {
        if let slash = key.utf8.firstIndex(of: UInt8(ascii: "/")) {
            self.init(String(key[..<slash]), String(key[key.utf8.index(after: slash)...]))
        } else {
            self.init(nil, key)
        }
    }

    package static func == (left: PropertyPath, right: PropertyPath) -> Bool {
        left.key.utf8.elementsEqual(right.key.utf8)
    }

    package func hash(into hasher: inout Hasher) { for byte in key.utf8 { hasher.combine(byte) } }
}
