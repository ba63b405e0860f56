-- wrk: requests the paths of a file, in an order of chance of each thread's own.
local paths = {}
local thread_count = 0

function setup(thread)
    thread_count = thread_count + 1
    thread:set("seed", thread_count)
end

function init(args)
    for line in io.lines(args[1]) do
        paths[#paths + 1] = wrk.format("GET", line)
    end
    math.randomseed(seed)
end

function request()
    return paths[math.random(#paths)]
end
