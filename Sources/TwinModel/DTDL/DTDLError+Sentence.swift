extension DTDLErrorID {
    func sentence(property: String?, value: String?) -> String { rawValue }
}
