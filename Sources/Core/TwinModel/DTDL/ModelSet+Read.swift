extension ModelSet {
    /// Finds documents that define ids; an empty answer: none.
    package typealias Resolver = (_ ids: [String]) -> [ModelDocument]

    /// Reads documents on top of this set, and judges them with it. References may lead from any document to any other and into
    /// this set. All or nothing: where one document is wrong, none is added.
    ///
    /// - Parameter resolve: asked, round by round, for what is still undefined.
    package func reading(
        _ documents: [ModelDocument], options: ModelOptions = ModelOptions(), resolvedOptions: ModelOptions? = nil,
        resolve: Resolver? = nil
    ) -> ModelReading {
        var work = Reading(base: self, options: options)
        for document in documents { work.read(document) }
        var rules = work.references()
        var asked: Set<String> = []
        while work.reader.findings.isEmpty, let resolve {
            let missing = Set(rules.unresolved.map(\.id)).subtracting(asked)
            guard !missing.isEmpty else { break }
            asked.formUnion(missing)
            let answers = resolve(missing.sorted())
            work.useOptions(resolvedOptions ?? options)
            for answer in answers { work.read(answer) }
            rules = work.references()
        }
        return work.finish(rules)
    }

    private struct Reading {
        let base: ModelSet
        var reader: ModelReader
        var documents: [ModelDocument] = []

        init(base: ModelSet, options: ModelOptions) {
            self.base = base
            reader = ModelReader(options: options, known: base.elements)
        }

        mutating func useOptions(_ options: ModelOptions) {
            var next = ModelReader(options: options, known: base.elements)
            next.elements = reader.elements
            next.order = reader.order
            next.findings = reader.findings
            reader = next
        }

        mutating func read(_ document: ModelDocument) {
            let index = documents.count
            documents.append(document)
            do {
                reader.read(try JSONNode(reading: document.bytes), file: index)
            } catch {
                reader.file = index
                let id: DTDLErrorID = error.kind == .duplicateName ? .duplicatePropertyName : .invalidJSON
                reader.report(id, nil, value: error.message, at: error.offset)
            }
        }

        var graph: ElementGraph {
            ElementGraph(elements: base.elements.merging(reader.elements) { _, new in new })
        }

        func references() -> ReferenceRules {
            var rules = ReferenceRules(graph: graph)
            for id in reader.order { if let element = reader.elements[id] { rules.check(element) } }
            return rules
        }

        func finish(_ references: ReferenceRules) -> ModelReading {
            var findings = reader.findings
            if findings.isEmpty, references.unresolved.isEmpty || !references.findings.isEmpty { findings = references.findings }
            if findings.isEmpty, !references.unresolved.isEmpty { return incomplete(references.unresolved) }
            if findings.isEmpty { findings = ruleFindings(references.graph) }
            guard findings.isEmpty else {
                return ModelReading(
                    models: base, read: interfaceIDs, errors: errors(findings), unresolved: [],
                    interfaceCounts: counts)
            }
            let graph = references.graph
            var interfaces = base.interfaces
            var builder = SchemaBuilder(graph: graph)
            for id in interfaceIDs {
                guard let element = reader.elements[id] else { continue }
                interfaces[id] = builder.interface(element, in: documents[element.file])
            }
            return ModelReading(
                models: ModelSet(interfaces: interfaces, elements: graph.elements), read: interfaceIDs, errors: [],
                unresolved: [], interfaceCounts: counts)
        }

        private var interfaceIDs: [String] { reader.order.filter { reader.elements[$0]?.kind == .interface } }

        private var counts: [String: Int] {
            var counts: [String: Int] = [:]
            for id in interfaceIDs { if let file = reader.elements[id]?.file { counts[documents[file].name, default: 0] += 1 } }
            return counts
        }

        private func ruleFindings(_ graph: ElementGraph) -> [ModelReader.Finding] {
            var structure = StructureRules(graph: graph)
            var cotypes = CotypeRules(graph: graph, fresh: reader.elements)
            for id in reader.order {
                guard let element = reader.elements[id] else { continue }
                structure.check(element)
                cotypes.check(element)
            }
            return structure.findings + cotypes.findings
        }

        private func errors(_ findings: [ModelReader.Finding]) -> [DTDLError] {
            var indexes: [Int: LineIndex] = [:]
            return findings.sorted { ($0.file, $0.offset) < ($1.file, $1.offset) }.map { finding in
                let index = indexes[finding.file] ?? LineIndex(documents[finding.file].bytes)
                indexes[finding.file] = index
                return DTDLError(
                    id: finding.id, element: finding.element, property: finding.property, value: finding.value,
                    file: documents[finding.file].name, place: index.place(of: finding.offset))
            }
        }

        private func incomplete(_ unresolved: [ReferenceRules.Unresolved]) -> ModelReading {
            var indexes: [Int: LineIndex] = [:]
            let references = unresolved.map { one in
                let index = indexes[one.file] ?? LineIndex(documents[one.file].bytes)
                indexes[one.file] = index
                return UnresolvedReference(
                    id: one.id, element: one.element, property: one.property, file: documents[one.file].name,
                    place: index.place(of: one.offset))
            }
            return ModelReading(models: base, read: interfaceIDs, errors: [], unresolved: references, interfaceCounts: counts)
        }
    }
}
