package dev.sennit.examples.shared;

import dev.sennit.Pool;
import dev.sennit.Pools;
import dev.sennit.shared.InterProcessLock;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Collections;

/** Tasks in two processes and in this one add to a number in a file; the lock keeps them from losing any. */
public final class CountUnderLock {
    private CountUnderLock() {}

    public static void main(String[] arguments) throws Exception {
        Path folder = Files.createTempDirectory("sennit-count");
        Path number = Files.writeString(folder.resolve("number"), "0");
        Path lock = folder.resolve("number.lock");
        try (Pool processes = Pools.open("processes:2");
                Pool threads = Pools.open("threads:2")) {
            String where = folder.toString();
            var elsewhere = threads.submit(
                    () -> processes.forEach(Collections.nCopies(50, where), CountUnderLock::addOne));
            threads.forEach(Collections.nCopies(50, where), CountUnderLock::addOne);
            elsewhere.get();
            System.out.println("counted to " + Files.readString(number));
        } finally {
            Files.deleteIfExists(number);
            Files.deleteIfExists(lock);
            Files.deleteIfExists(folder);
        }
    }

    private static void addOne(String folder) throws IOException {
        Path number = Path.of(folder, "number");
        InterProcessLock lock = InterProcessLock.at(Path.of(folder, "number.lock"));
        lock.lock();
        try {
            Files.writeString(number, Integer.toString(Integer.parseInt(Files.readString(number)) + 1));
        } finally {
            lock.unlock();
        }
    }
}
