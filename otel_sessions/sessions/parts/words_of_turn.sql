    lower(if(
        isValidASCII(concat(substring(InputPick, 10), ' ', substring(OutputPick, 10))),
        concat(substring(InputPick, 10), ' ', substring(OutputPick, 10)),
        replaceRegexpAll(
            translateUTF8(concat(substring(InputPick, 10), ' ', substring(OutputPick, 10)), '\xC5\xBF\xE2\x84\xAA', 'sk'), '[^\\x00-\\x7F]+', ' ')))
