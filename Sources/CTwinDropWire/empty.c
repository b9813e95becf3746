#include "twindrop_wire.h"
