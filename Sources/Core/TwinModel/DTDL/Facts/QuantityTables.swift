/// Semantic types and units. Language version 2 has them built in; from version 3 on the extension quantitativeTypes brings them:
/// its versions 1 and 2 have the same, version 3 adds some. `+1` and `+3` stand before what came with that version of it.
enum QuantityTables {
    /// A unit type and its units, one type a line.
    static let units = """
        AccelerationUnit centimetrePerSecondSquared gForce metrePerSecondSquared +3 kilometrePerSecondSquared \
        millimetrePerSecondSquared
        AngleUnit degreeOfArc minuteOfArc radian secondOfArc turn
        AngularAccelerationUnit radianPerSecondSquared
        AngularVelocityUnit degreePerSecond radianPerSecond revolutionPerMinute revolutionPerSecond
        ApparentEnergyUnit +1 gigavoltAmpereHour kilovoltAmpereHour megavoltAmpereHour voltAmpereHour +3 millivoltAmpereHour
        ApparentPowerUnit +1 gigavoltAmpere kilovoltAmpere megavoltAmpere millivoltAmpere voltAmpere
        AreaUnit acre hectare squareCentimetre squareFoot squareInch squareKilometre squareMetre squareMillimetre
        CapacitanceUnit farad microfarad millifarad nanofarad picofarad
        ChargeUnit coulomb +1 ampereHour milliampereHour
        CurrentUnit ampere microampere milliampere +1 kiloampere +3 nanoampere picoampere
        DataRateUnit bitPerSecond bytePerSecond exbibitPerSecond exbibytePerSecond gibibitPerSecond gibibytePerSecond \
        kibibitPerSecond kibibytePerSecond mebibitPerSecond mebibytePerSecond tebibitPerSecond tebibytePerSecond \
        yobibitPerSecond yobibytePerSecond zebibitPerSecond zebibytePerSecond
        DataSizeUnit bit byte exbibit exbibyte gibibit gibibyte kibibit kibibyte mebibit mebibyte tebibit tebibyte yobibit \
        yobibyte zebibit zebibyte
        DensityUnit gramPerCubicMetre kilogramPerCubicMetre +1 microgramPerCubicMetre milligramPerCubicMetre
        DynamicViscosityUnit +3 centipoise millipascalSecond millipoise pascalSecond poise
        EnergyUnit electronvolt gigajoule joule kilojoule kilowattHour megaelectronvolt megajoule +1 britishThermalUnit \
        gigawattHour kiloBritishThermalUnit megawattHour milliwattHour terawattHour wattHour
        ForceUnit newton ounce pound ton
        FrequencyUnit gigahertz hertz kilohertz megahertz +1 millihertz
        GasLeakageRateUnit +3 decapascalCubicMetrePerSecond hectopascalCubicMetrePerSecond kilopascalCubicMetrePerSecond \
        pascalCubicMetrePerSecond
        IlluminanceUnit footcandle lux
        InductanceUnit henry microhenry millihenry
        IonizingRadiationDoseUnit +1 gray microgray microsievert milligray millisievert sievert
        IrradianceUnit +1 wattPerSquareMetre
        KinematicViscosityUnit +3 centistokes squareMetrePerSecond stokes
        LengthUnit astronomicalUnit centimetre foot inch kilometre metre micrometre mile millimetre nanometre nauticalMile
        LuminanceUnit candelaPerSquareMetre
        LuminousFluxUnit lumen
        LuminousIntensityUnit candela
        MagneticFluxUnit maxwell weber
        MagneticInductionUnit tesla +1 gauss
        MassFlowRateUnit gramPerHour gramPerSecond kilogramPerHour kilogramPerSecond +1 massPoundPerHour
        MassUnit gram kilogram microgram milligram slug tonne +1 massPound
        PowerUnit gigawatt horsepower kilowatt kilowattHourPerYear megawatt microwatt milliwatt watt +1 \
        britishThermalUnitPerHour gigajoulePerHour joulePerHour joulePerSecond kiloBritishThermalUnitPerHour \
        kilojoulePerHour kilojoulePerSecond megajoulePerHour tonOfRefrigeration
        PressureUnit bar inchesOfMercury inchesOfWater kilopascal millibar millimetresOfMercury pascal poundPerSquareInch +1 \
        decapascal hectopascal
        RadioactivityUnit +1 becquerel gigabecquerel kilobecquerel megabecquerel
        ReactiveEnergyUnit +1 gigavoltAmpereReactiveHour kilovoltAmpereReactiveHour megavoltAmpereReactiveHour \
        voltAmpereReactiveHour
        ReactivePowerUnit +1 gigavoltAmpereReactive kilovoltAmpereReactive megavoltAmpereReactive millivoltAmpereReactive \
        voltAmpereReactive
        ReciprocalLengthUnit +3 reciprocalCentimetre reciprocalKilometre reciprocalMetre reciprocalMicrometre \
        reciprocalMillimetre reciprocalNanometre
        ReciprocalTimeUnit +3 reciprocalMinute reciprocalSecond
        ResistanceUnit kiloohm megaohm milliohm ohm
        SoundPressureUnit bel decibel
        TemperatureUnit degreeCelsius degreeFahrenheit kelvin
        TimeUnit day hour microsecond millisecond minute nanosecond second year
        TorqueUnit newtonMetre
        Unitless percent unity +1 partsPerBillion partsPerMillion partsPerQuadrillion partsPerTrillion
        VelocityUnit centimetrePerSecond kilometrePerHour kilometrePerSecond knot metrePerHour metrePerSecond milePerHour \
        milePerSecond +3 millimetrePerSecond
        VoltageUnit kilovolt megavolt microvolt millivolt volt
        VolumeFlowRateUnit litrePerHour litrePerSecond millilitrePerHour millilitrePerSecond +1 cubicFootPerMinute \
        cubicMetrePerHour cubicMetrePerMinute cubicMetrePerSecond gallonPerHour gallonPerMinute litrePerMinute \
        millilitrePerMinute +3 cubicCentimetrePerMinute cubicCentimetrePerSecond
        VolumeUnit cubicCentimetre cubicFoot cubicInch cubicMetre fluidOunce gallon litre millilitre
        """

    /// Semantic types: `Distance=LengthUnit` if the unit type is not named after the semantic type.
    static let semanticTypes = """
        +0 Acceleration Angle AngularAcceleration AngularVelocity Area Capacitance Current DataRate DataSize Density \
        Distance=LengthUnit ElectricCharge=ChargeUnit Energy Force Frequency Humidity=DensityUnit Illuminance Inductance \
        Latitude=AngleUnit Length Longitude=AngleUnit Luminance Luminosity=PowerUnit LuminousFlux LuminousIntensity \
        MagneticFlux MagneticInduction Mass MassFlowRate Power Pressure RelativeHumidity=Unitless Resistance SoundPressure \
        Temperature Thrust=ForceUnit TimeSpan=TimeUnit Torque Velocity Voltage Volume VolumeFlowRate
        +1 ApparentEnergy ApparentPower Concentration=Unitless EnergyRate=PowerUnit IonizingRadiationDose Irradiance \
        Radioactivity ReactiveEnergy ReactivePower RelativeDensity=Unitless
        +3 DynamicViscosity Efficiency=Unitless GasLeakageRate KinematicViscosity ReciprocalLength ReciprocalTime \
        RelativeMeasure=Unitless Scale=Unitless Throttle=Unitless
        """

    /// Prefixes of units; version 2 of the language writes `deka` for `deca`.
    static let decimalPrefixes = """
        atto centi deca deci exa femto giga hecto kilo mega micro milli nano peta pico tera yocto yotta zepto zetta
        """
    static let binaryPrefixes = "exbi gibi kibi mebi pebi tebi yobi zebi"
}
