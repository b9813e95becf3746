print("twindrop")
