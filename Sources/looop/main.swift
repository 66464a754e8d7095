print("looop")
