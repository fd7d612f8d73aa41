            if(s.ClaimLevel < 9,
                concat(char(48 + s.ClaimLevel, if(s.IsRoot = 0, 49, 48)), reverse(reinterpretAsFixedString(s.StartTimeUnixNano)),
                    s.ClaimId),
                '9')
