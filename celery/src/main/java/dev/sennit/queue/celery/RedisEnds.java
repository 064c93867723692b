package dev.sennit.queue.celery;

import dev.sennit.queue.redis.foreign.Server;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/** Writes endings as arguments of the script {@link Script#END}. */
final class RedisEnds {
    private static final String CHANNEL = "sennit.celery:reply:";
    private static final byte[] NOTHING = {};

    private final RedisAddress address;

    RedisEnds(RedisAddress address) {
        this.address = address;
    }

    /** Returns the channel on which the submitter with an address hears of ends. */
    static String channel(String replyTo) {
        return CHANNEL + replyTo;
    }

    static @Nullable String replyTo(String channel) {
        return channel.startsWith(CHANNEL) ? channel.substring(CHANNEL.length()) : null;
    }

    private static List<byte[]> beginning(String id, int attempt, Ending.Kind kind) {
        return new ArrayList<>(List.of(Server.bytes(id), Server.bytes(attempt),
                Server.bytes(kind.name().toLowerCase(Locale.ROOT)), Server.bytes(Results.beginning(attempt))));
    }

    Server.Call call(Ending ending) {
        Held held = ending.held();
        List<byte[]> arguments = beginning(held.id(), held.attempt(), ending.kind());
        ending.steps().forEach(step -> add(arguments, held.place(), held.message(), step));
        return Server.call(Script.END.text(), arguments);
    }

    /** Returns a call that only looks whether a completion is repeated. */
    Server.Call repeated(String id, int attempt) {
        return Server.call(Script.END.text(), beginning(id, attempt, Ending.Kind.DONE));
    }

    /** Returns a call that ends a message that cannot be read. */
    Server.Call refused(Transport.Taken taken, List<Step> steps) {
        List<byte[]> arguments = beginning(taken.id(), taken.attempt(), Ending.Kind.CANCELLED);
        steps.forEach(step -> add(arguments, taken.place(), null, step));
        return Server.call(Script.END.text(), arguments);
    }

    private static void step(List<byte[]> arguments, String what, byte[]... values) {
        arguments.add(Server.bytes(what));
        arguments.add(Server.bytes(values.length));
        arguments.addAll(List.of(values));
    }

    private static byte[] millis(Duration time) {
        return Server.bytes(Math.max(1, time.toMillis()));
    }

    private byte[] list(Canvas.Out out) {
        return Server.bytes(address.list(out.queue(), out.priority()));
    }

    private static byte[] waiting(@Nullable String replyTo) {
        return replyTo == null || replyTo.isEmpty() ? NOTHING : Server.bytes(channel(replyTo));
    }

    private void add(List<byte[]> arguments, Place place, @Nullable Message message, Step step) {
        switch (step) {
            case Step.Send send ->
                step(arguments, send.always() ? "push" : "next", list(send.out()), send.out().before());
            case Step.Once once -> step(arguments, "once", list(once.out()), once.out().before(),
                    Server.bytes(once.out().id()), millis(once.known()));
            case Step.Size size -> step(arguments, "size", Server.bytes(size.size().key()),
                    Server.bytes(size.size().parts()), millis(size.ttl()));
            case Step.Wait wait -> add(arguments, place, message, wait);
            case Step.Result result -> step(arguments, "result", Server.bytes(result.id()), millis(result.ttl()),
                    result.meta(), waiting(result.replyTo()));
            case Step.Unkept unkept -> step(arguments, "unkept", unkept.meta(), waiting(unkept.replyTo()));
            case Step.State state -> step(arguments, "state", arguments.getFirst(), millis(state.ttl()), state.meta());
            case Step.Part part -> add(arguments, part);
            case Step.Failed failed ->
                step(arguments, "failed", Server.bytes(failed.queue()), millis(failed.counted()));
            case Step.Dead dead -> {
                byte[] entry = new byte[dead.about().length + 1 + dead.raw().length];
                System.arraycopy(dead.about(), 0, entry, 0, dead.about().length);
                entry[dead.about().length] = '\n';
                System.arraycopy(dead.raw(), 0, entry, dead.about().length + 1, dead.raw().length);
                step(arguments, "dead", entry);
            }
        }
    }

    private static void add(List<byte[]> arguments, Place place, @Nullable Message message, Step.Wait wait) {
        byte[] list = Server.bytes(place.shown());
        byte[] entry = wait.isRetry() && message != null ? message.again(wait.due()) : place.raw();
        switch (wait.how()) {
            case NEXT -> step(arguments, "back", list, entry);
            case NEXT_AFTER_CRASH -> {
                step(arguments, "crash");
                step(arguments, "back", list, entry);
            }
            case LAST -> step(arguments, "stay", list, entry);
            case DUE -> step(arguments, "due", list, entry, Server.bytes(wait.delay().toMillis()));
            case DUE_UNBEGUN -> {
                step(arguments, "due", list, entry, millis(wait.delay()));
                step(arguments, "unbegun");
            }
        }
    }

    private void add(List<byte[]> arguments, Step.Part part) {
        List<byte[]> values = new ArrayList<>();
        values.add(Server.bytes(Canvas.GROUP + part.group()));
        values.add(Server.bytes(part.index() == null ? "+inf" : part.index()));
        values.add(Server.bytes(part.member()));
        values.add(millis(part.ttl()));
        values.add(Server.bytes(part.next().size()));
        for (Canvas.Out out : part.next()) {
            values.add(list(out));
            values.add(out.before());
            values.add(out.behind());
        }
        values.add(Server.bytes(part.sizes().size()));
        for (Canvas.Size size : part.sizes()) {
            values.add(Server.bytes(size.key()));
            values.add(Server.bytes(size.parts()));
        }
        values.add(Server.bytes(Results.KEY + part.failure().id()));
        values.add(Server.bytes(part.failure().before()));
        values.add(Server.bytes(part.failure().behind()));
        values.add(Server.bytes(part.callbacks().size()));
        for (Canvas.Out out : part.callbacks()) {
            values.add(list(out));
            values.add(out.before());
        }
        step(arguments, "part", values.toArray(byte[][]::new));
    }
}
