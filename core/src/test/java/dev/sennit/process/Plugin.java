package dev.sennit.process;

import dev.sennit.Pool;
import dev.sennit.Task;
import java.io.IOException;
import java.io.InputStream;
import java.io.Serializable;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.Supplier;

/** What a plugin may be: {@link ParentClassesIT} has class loaders that load it once more. */
public final class Plugin implements Supplier<Map<String, Object>> {
    private final Pool pool;

    /**
     * Made by reflection.
     *
     * @param pool runs its tasks
     */
    public Plugin(Pool pool) {
        this.pool = pool;
    }

    record Greeting(String text, Mood mood) implements Serializable {}

    enum Mood {
        FRIENDLY
    }

    /** Has no compact form. */
    static final class Name implements Serializable {
        private static final long serialVersionUID = 1L;
        private final String text;

        Name(String text) {
            this.text = text;
        }
    }

    @Override
    public Map<String, Object> get() {
        Map<String, Object> seen = new TreeMap<>();
        String captured = "hello";
        Task<Object> compact = () -> new Greeting(captured + " of " + resource(), Mood.FRIENDLY);
        seen.put("compact", asSeenHere(compact));
        var name = new Name("plugin");
        Task<Object> serialized = () -> new Greeting(name.text, Mood.FRIENDLY);
        seen.put("serialized", asSeenHere(serialized));
        Greeting[] array = {new Greeting("array", Mood.FRIENDLY)};
        Task<Object> ofArray = () -> array[0];
        seen.put("array", asSeenHere(ofArray));
        Task<Object> loader = () -> Plugin.class.getClassLoader().getName();
        seen.put("loader", pool.submit(loader).join());
        Task<Object> location = () -> String.valueOf(
                Plugin.class.getProtectionDomain().getCodeSource().getLocation());
        seen.put("location", pool.submit(location).join());
        Task<Object> context = () -> Thread.currentThread().getContextClassLoader() == Plugin.class.getClassLoader();
        seen.put("context", pool.submit(context).join());
        Task<Object> missing = () -> Plugin.class.getClassLoader().getResource("no/such/thing");
        seen.put("missing", pool.submit(() -> String.valueOf(missing.call())).join());
        Task<Object> tooLong = () -> Plugin.class.getClassLoader().getResource("x".repeat(70_000));
        seen.put("too long", pool.submit(() -> String.valueOf(tooLong.call()) + ", " + resource()).join());
        return seen;
    }

    /** The greeting came back as this class's own, or the cast fails. */
    private String asSeenHere(Task<Object> task) {
        Greeting greeting = (Greeting) pool.submit(task).join();
        return greeting.text() + ", " + (greeting.mood() == Mood.FRIENDLY);
    }

    static String resource() throws IOException {
        try (InputStream in = Plugin.class.getResourceAsStream("/greetings/which.txt")) {
            return in == null ? "nobody" : new String(in.readAllBytes(), StandardCharsets.UTF_8);
        }
    }
}
