SELECT arrayJoin(splitByChar('\n', {text:String})) AS explain
