package dev.sennit.examples.pipes;

import dev.sennit.pipe.Connection;
import dev.sennit.pipe.Pipe;
import dev.sennit.process.WorkerProcess;
import java.math.BigInteger;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.TreeMap;

/** Processes that look for primes: each gets a number when it is free, and a poison pill when there are no more. */
public final class JobsOverPipes {
    private static final long POISON = 0;

    private JobsOverPipes() {}

    record Answer(long number, boolean prime) implements java.io.Serializable {}

    static void work(Connection jobs) throws Exception {
        for (long number = jobs.receive(Long.class); number != POISON; number = jobs.receive(Long.class)) {
            jobs.send(new Answer(number, BigInteger.valueOf(number).isProbablePrime(50)));
        }
    }

    public static void main(String[] arguments) throws Exception {
        Deque<Long> numbers = new ArrayDeque<>(
                List.of(2L, 142702110479723L, 299593572317531L, 3333333333333301L, 5000111000222021L, 9L));
        List<WorkerProcess> workers = new ArrayList<>();
        List<Connection> busy = new ArrayList<>();
        for (int i = 0; i < 2; i++) {
            Pipe pipe = Pipe.open();
            Connection theirs = pipe.second();
            workers.add(WorkerProcess.start(() -> work(theirs)));
            pipe.first().send(numbers.poll());
            busy.add(pipe.first());
        }
        var answers = new TreeMap<Long, Boolean>();
        while (!busy.isEmpty()) {
            for (Connection ready : Connection.waitAny(busy, Duration.ofSeconds(30))) {
                Answer answer = ready.receive(Answer.class);
                answers.put(answer.number(), answer.prime());
                Long next = numbers.poll();
                ready.send(next != null ? next : POISON);
                if (next == null) {
                    busy.remove(ready);
                }
            }
        }
        for (WorkerProcess worker : workers) {
            worker.join();
        }
        answers.forEach((number, prime) -> System.out.println(number + (prime ? " P" : "")));
    }
}
