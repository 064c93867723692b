package dev.sennit;

import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.BiConsumer;

/** Listens to the failures that nobody asks for, instead of the log. */
public final class Told implements AutoCloseable {
    /** One message, and the failure beside it. */
    public record Message(String text, Throwable failure) {}

    private final List<Message> all = new CopyOnWriteArrayList<>();
    private final BiConsumer<String, Throwable> before =
            UnaskedFailures.tellTo((text, failure) -> all.add(new Message(text, failure)));

    /** Listens from now on. */
    public Told() {}

    /** What was told of a pool until now: failures of other tests may come meanwhile. */
    public List<Message> of(Pool pool) {
        return all.stream().filter(message -> message.text().contains(" on " + pool.name() + ",")).toList();
    }

    @Override
    public void close() {
        UnaskedFailures.tellTo(before);
    }
}
