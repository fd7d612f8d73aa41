SELECT Partition, MinBlock, MaxBlock, Part, Rows FROM _attached_parts FINAL WHERE Source = {source:String}
