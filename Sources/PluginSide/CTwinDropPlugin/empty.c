// SwiftPM wants one source file in a C target; the contract is the header.
#include "twindrop_plugin.h"
