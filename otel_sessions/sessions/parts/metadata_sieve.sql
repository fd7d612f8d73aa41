    arrayReduce('groupBitOr', arrayMap(
        (key, value) ->
${metadata_bits}
        , mapKeys(metadata), arrayMap(stamped -> substring(stamped, 9), mapValues(metadata))))
