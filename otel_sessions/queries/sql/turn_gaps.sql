            arrayMap(
                (start, end) -> if(start > end, start - end, 0),
                arrayPopFront(arraySort(groupArrayIf(FirstStart, FirstStart < 9223372036854775808))),
                arrayPopBack(arraySort(groupArrayIf(
                    bitAnd(LastEnd, 9223372036854775807), LastEnd >= 9223372036854775808))))
