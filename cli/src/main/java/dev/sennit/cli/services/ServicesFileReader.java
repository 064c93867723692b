package dev.sennit.cli.services;

import dev.sennit.cli.services.ListenerAddress.Tcp;
import dev.sennit.cli.services.ListenerAddress.UnixSocket;
import dev.sennit.cli.services.ServiceReader.Found;
import dev.sennit.cli.services.ServicesFile.Log;
import dev.sennit.cli.services.ServicesFile.LogFormat;
import dev.sennit.cli.services.ServicesFile.Queue;
import dev.sennit.internal.Durations;
import dev.sennit.internal.Nearest;
import dev.sennit.internal.Sizes;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.CharBuffer;
import java.nio.charset.CoderResult;
import java.nio.charset.StandardCharsets;
import java.nio.file.AccessDeniedException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermission;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Deque;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import org.tomlj.Toml;
import org.tomlj.TomlParseError;
import org.tomlj.TomlParseResult;
import org.tomlj.TomlVersion;

/**
 * Reads one file of services.
 *
 * <p>A file that is no TOML is refused with all that its parser says, and looked at no further: behind a bracket that
 * is missing, keys seem to belong elsewhere. Of other files all is read, with as many problems as there are.
 */
final class ServicesFileReader {
    private static final int LARGEST = 1 << 20;
    /** Of a queue of which the file does not say it; memory that was never used is not taken. */
    private static final long QUEUE_MEMORY = 16 << 20;
    private static final String ENDING = ".toml";
    /** Of the memory, in percent: what all heaps may have together, and what one may have. As for pools. */
    private static final double SHARE_OF_ALL = 50;

    private static final double MOST_SHARE = 25;
    private static final Duration LONGEST_PRE_STOP = Duration.ofHours(1);
    private static final Pattern NAME = Pattern.compile("[A-Za-z0-9][A-Za-z0-9._-]{0,63}");
    private static final String NAME_RULE = " must be of letters, digits, . _ - (64 at most), was ";

    private final Path file;
    private final Path path;
    private final Path folder;
    private final Map<String, String> environment;
    private final int processors;
    private final boolean isCheck;
    private final Problems problems;

    /**
     * A reader of one file.
     *
     * @param isCheck whether programs and classes have to be there
     */
    ServicesFileReader(Path file, Map<String, String> environment, int processors, boolean isCheck) {
        this.file = file;
        this.path = file.toAbsolutePath().normalize();
        this.folder = Objects.requireNonNullElse(path.getParent(), path);
        this.environment = environment;
        this.processors = processors;
        this.isCheck = isCheck;
        this.problems = new Problems(file);
    }

    ServicesFile read() throws ServicesFileException {
        TomlParseResult parsed = Toml.parse(content(), TomlVersion.V1_0_0);
        for (TomlParseError each : parsed.errors()) {
            problems.add(each.position(), sentence(each));
        }
        problems.throwIfAny();
        ServicesFile read = read(Section.whole(parsed, problems, new Variables(environment)));
        problems.throwIfAny();
        return read;
    }

    Path readControl() throws ServicesFileException {
        TomlParseResult parsed = Toml.parse(content(), TomlVersion.V1_0_0);
        Path control = control(
                Section.whole(parsed, problems, new Variables(environment)), String.valueOf(path.getFileName()));
        problems.throwIfAny();
        return control;
    }

    private static String sentence(TomlParseError error) {
        String message = String.valueOf(error.getMessage());
        boolean isTwice = message.contains(" previously defined ");
        return isTwice
                ? message + "; leave out one of both"
                : message.substring(0, 1).toLowerCase(Locale.ROOT) + message.substring(1);
    }

    private String content() throws ServicesFileException {
        byte[] bytes = bytes();
        var decoder = StandardCharsets.UTF_8.newDecoder(); // a new one reports what is malformed
        var chars = CharBuffer.allocate(bytes.length);
        ByteBuffer in = ByteBuffer.wrap(bytes);
        CoderResult result = decoder.decode(in, chars, true); // true: what ends within a character is malformed
        String text = chars.flip().toString();
        if (result.isError()) {
            int line = (int) text.chars().filter(each -> each == '\n').count() + 1;
            problems.add(line, text.length() - (text.lastIndexOf('\n') + 1) + 1,
                    "this is not UTF-8; save the file as UTF-8");
            problems.throwIfAny();
        }
        return text.startsWith("\ufeff") ? text.substring(1) : text; // the mark that some editors write
    }

    private byte[] bytes() throws ServicesFileException {
        if (Files.isDirectory(path)) {
            throw Problems.unreadable(file, "this is a folder; name a file");
        }
        try (InputStream in = Files.newInputStream(path)) {
            byte[] bytes = in.readNBytes(LARGEST + 1);
            if (bytes.length > LARGEST) {
                throw Problems.unreadable(file, "the file is larger than " + Sizes.text(LARGEST)
                        + ", which no file of services is; name another file");
            }
            return bytes;
        } catch (NoSuchFileException e) {
            throw Problems.unreadable(file, "there is no such file" + otherFile());
        } catch (AccessDeniedException e) {
            throw Problems.unreadable(file, "permission to read it was denied; change its owner or its mode");
        } catch (IOException e) {
            throw Problems.unreadable(file, "it cannot be read: " + e.getMessage());
        }
    }

    private String otherFile() {
        List<String> others = new ArrayList<>();
        try (DirectoryStream<Path> files = Files.newDirectoryStream(folder, "*" + ENDING)) {
            files.forEach(each -> others.add(String.valueOf(each.getFileName())));
        } catch (IOException | java.nio.file.DirectoryIteratorException e) {
            return ""; // there is no such folder either
        }
        return Nearest.hint(String.valueOf(path.getFileName()), others);
    }

    private ServicesFile read(Section whole) {
        String fileName = String.valueOf(path.getFileName());
        String name = name(whole, fileName);
        Path control = control(whole, fileName);
        Section listenersByName = whole.section("listeners", "[listeners.NAME]", "");
        Map<String, ListenerAddress> listeners =
                listenersByName == null ? Map.of() : listeners(listenersByName, control);
        ListenerAddress.Tcp metrics = metrics(whole, listeners);
        Log log = log(whole);
        Duration preStop = preStop(whole);
        Map<String, Queue> queues = queues(whole);
        Map<String, Found> services = services(whole);
        whole.refuseOthers();
        checkListeners(listenersByName, services);
        checkOrder(services);
        int jvms = services.values().stream().mapToInt(Found::jvms).sum();
        double share = Math.min(MOST_SHARE, SHARE_OF_ALL / Math.max(1, jvms));
        Map<String, String> texts = new LinkedHashMap<>();
        services.forEach((service, found) -> texts.put(service, found.text(share, queues.keySet())));
        return new ServicesFile(path, name, control, log, preStop, metrics, Collections.unmodifiableMap(listeners),
                Collections.unmodifiableMap(queues),
                services.values().stream().map(found -> found.withShare(share)).toList(),
                services.values().stream().filter(Found::hasServlets).map(found -> found.settings().name())
                        .collect(Collectors.toUnmodifiableSet()),
                Collections.unmodifiableMap(texts),

                services.values().stream().map(Found::tls).filter(Objects::nonNull).toList());
    }

    private static Map<String, Queue> queues(Section whole) {
        Map<String, Queue> queues = new LinkedHashMap<>();
        Section byName = whole.section("queues", "[queues.NAME]", "");
        if (byName == null) {
            return queues;
        }
        for (String name : byName.names()) {
            if (!NAME.matcher(name).matches()) {
                byName.refuse(name, "name of a queue" + NAME_RULE + Problems.quoted(name));
            }
            Section keys = byName.section(name, "[queues." + name + "]", "");
            Queue queue = keys == null ? null : queue(name, byName, keys);
            if (queue != null) {
                queues.put(name, queue);
            }
        }
        return queues;
    }

    private static @Nullable Queue queue(String name, Section byName, Section keys) {
        Integer capacity = keys.smallNumber("capacity", count -> {
            if (count < 1) {
                throw new IllegalArgumentException("must be >= 1");
            }
            return count;
        });
        Long memory = keys.size("memory", size -> Sizes.parse("memory", size));
        List<String> allowed = keys.texts("allow");
        if (!keys.has("capacity")) {
            byName.refuse(name, "queue " + name + " has no capacity; write capacity = 100");
        }
        keys.refuseOthers();
        return capacity == null
                ? null
                : new Queue(
                        capacity, Objects.requireNonNullElse(memory, QUEUE_MEMORY),
                        allowed == null ? List.of() : allowed);
    }

    private static String name(Section whole, String fileName) {
        String given = whole.text("name");
        String name = given != null
                ? given
                : fileName.endsWith(ENDING) ? fileName.substring(0, fileName.length() - ENDING.length()) : fileName;
        if (!NAME.matcher(name).matches()) {
            whole.refuse("name", (given != null ? "name" : "name, by default that of the file,") + NAME_RULE
                    + Problems.quoted(name));
        }
        return name;
    }

    private Path control(Section whole, String fileName) {
        Path given = whole.text("control", this::resolved);
        Path control = given != null ? given : folder.resolve(fileName + ".sock");
        if (UnixSocket.isTooLong(control)) {
            whole.refuse("control", "the path of the control socket is longer than " + UnixSocket.LONGEST
                    + " bytes; write control = \"/run/NAME.sock\", or another short path");
        }
        return control;
    }

    private Map<String, ListenerAddress> listeners(Section byName, Path control) {
        Map<String, ListenerAddress> listeners = new LinkedHashMap<>();
        for (String name : byName.names()) {
            if (!NAME.matcher(name).matches()) {
                byName.refuse(name, "name of a listener" + NAME_RULE + Problems.quoted(name));
            }
            Section keys = byName.section(name, "[listeners." + name + "]", "");
            ListenerAddress address = keys == null ? null : address(name, byName, keys);
            if (address == null) {
                continue;
            }
            listeners.forEach((otherName, other) -> {
                if (address.clashesWith(other)) {
                    byName.refuse(name, "listener " + name + " has the address of listener " + otherName + ", " + other
                            + "; write another");
                }
            });
            if (address.clashesWith(new UnixSocket(control))) {
                byName.refuse(name, "listener " + name + " has the path of the control socket; write another");
            }
            listeners.put(name, address);
        }
        return listeners;
    }

    private @Nullable ListenerAddress address(String name, Section byName, Section keys) {
        ListenerAddress tcp = keys.text("tcp", Tcp::parse);
        Path unix = keys.text("unix", this::unixSocket);
        Set<PosixFilePermission> mode = keys.text("mode", UnixSocket::mode);
        ListenerAddress systemd = keys.text("systemd", text -> {
            if (text.isEmpty()) {
                throw new IllegalArgumentException("must be a name");
            }
            return new ListenerAddress.Systemd(text);
        });
        keys.refuseOthers();
        long kinds = List.of("tcp", "unix", "systemd").stream().filter(keys::has).count();
        if (kinds != 1) {
            byName.refuse(name, "listener " + name + " must have one of tcp, unix and systemd, has " + kinds);
            return null;
        }
        if (keys.has("mode") && !keys.has("unix")) {
            byName.refuse(name, "listener " + name + " has a mode, which only a Unix socket has; leave it out");
        }
        return tcp != null ? tcp : unix != null ? new UnixSocket(unix, mode) : systemd;
    }

    private Path unixSocket(String text) {
        Path socket = resolved(text);
        if (UnixSocket.isTooLong(socket)) {
            throw new IllegalArgumentException("must be a path of at most " + UnixSocket.LONGEST + " bytes");
        }
        return socket;
    }

    private static @Nullable Tcp metrics(Section whole, Map<String, ListenerAddress> listeners) {
        Section keys = whole.section("metrics", "[metrics]", "");
        if (keys == null) {
            return null;
        }
        Tcp address = keys.text("address", Tcp::parse);
        keys.refuseOthers();
        if (!keys.has("address")) {
            whole.refuse("metrics", "[metrics] has no address; write address = \"127.0.0.1:9100\"");
        }
        if (address != null) {
            listeners.forEach((name, other) -> {
                if (address.clashesWith(other)) {
                    keys.refuse("address", "address is that of listener " + name + ", " + other + "; write another");
                }
            });
        }
        return address;
    }

    private static Duration preStop(Section whole) {
        Duration given = whole.time("pre-stop", time -> {
            if (time.compareTo(LONGEST_PRE_STOP) > 0) {
                throw new IllegalArgumentException("must be at most " + Durations.text(LONGEST_PRE_STOP));
            }
            return time;
        });
        return Objects.requireNonNullElse(given, Duration.ZERO);
    }

    private Log log(Section whole) {
        Section keys = whole.section("log", "[log]", "");
        if (keys == null) {
            return new Log(LogFormat.TEXT, null);
        }
        LogFormat format = keys.word("format", LogFormat.class, word -> word);
        Path target = keys.text("file", text -> {
            Path resolved = resolved(text);
            if (Files.isDirectory(resolved)) {
                throw new IllegalArgumentException("must be a file, not a folder");
            }
            return resolved;
        });
        keys.refuseOthers();
        return new Log(Objects.requireNonNullElse(format, LogFormat.TEXT), target);
    }

    private Map<String, Found> services(Section whole) {
        Map<String, Found> services = new LinkedHashMap<>();
        Section byName = whole.section("services", "[services.NAME]", "");
        if (!whole.has("services") || byName != null && byName.names().isEmpty()) {
            whole.refuse("services", "there are no services; write [services.NAME]");
        }
        if (byName == null) {
            return services;
        }
        for (String name : byName.names()) {
            Section keys = byName.section(name, "[services." + name + "]", "");
            if (keys != null) {
                services.put(name,
                        new ServiceReader(name, byName, keys, folder, environment, processors, isCheck).read());
            }
        }
        return services;
    }

    private static void checkListeners(@Nullable Section byName, Map<String, Found> services) {
        Set<String> unused = new LinkedHashSet<>(byName == null ? Set.of() : byName.names());
        Set<String> there = Set.copyOf(unused);
        for (Found service : services.values()) {
            String listener = service.listener();
            if (listener != null && !there.contains(listener)) {
                service.keys().refuse("listener",
                        "there is no listener " + Problems.quoted(listener) + hint(listener, there, "listeners"));
            }
            unused.remove(listener);
        }
        if (byName == null) {
            return;
        }
        for (String each : unused) {
            byName.refuse(each, "no service uses listener " + each + "; write listener = " + Problems.quoted(each)
                    + " in one, or leave it out");
        }
    }

    /** Checks that each {@code after} is there, and that they make no circle. */
    private static void checkOrder(Map<String, Found> services) {
        Map<String, Set<String>> waiting = new LinkedHashMap<>();
        services.forEach((name, service) -> {
            Set<String> here = new LinkedHashSet<>();
            for (int i = 0; i < service.after().size(); i++) {
                String before = service.after().get(i);
                if (!services.containsKey(before)) {
                    Set<String> others = new LinkedHashSet<>(services.keySet());
                    others.remove(name);
                    service.keys().refuse("after", i, "there is no service " + Problems.quoted(before)
                            + hint(before, others, "other services"));
                } else if (!before.equals(name)) { // which the settings have refused
                    here.add(before);
                }
            }
            waiting.put(name, here);
        });
        while (leaveOutThoseThatCanStart(waiting)) {
            List<String> circle = circle(waiting);
            Objects.requireNonNull(services.get(circle.getFirst())).keys().refuse("after",
                    "services wait for each other: " + String.join(" -> ", circle) + "; leave out one after");
            waiting.keySet().removeAll(circle);
        }
    }

    /** Starts all that can start, again and again. Returns whether some are left: they wait for each other. */
    private static boolean leaveOutThoseThatCanStart(Map<String, Set<String>> waiting) {
        Map<String, List<String>> behind = new HashMap<>();
        Map<String, Integer> left = new HashMap<>();
        Deque<String> free = new ArrayDeque<>();
        waiting.forEach((name, before) -> {
            before.retainAll(waiting.keySet());
            before.forEach(each -> behind.computeIfAbsent(each, ignored -> new ArrayList<>()).add(name));
            left.put(name, before.size());
            if (before.isEmpty()) {
                free.add(name);
            }
        });
        for (String next = free.poll(); next != null; next = free.poll()) {
            waiting.remove(next);
            for (String name : behind.getOrDefault(next, List.of())) {
                if (left.merge(name, -1, Integer::sum) == 0) {
                    free.add(name);
                }
            }
        }
        return !waiting.isEmpty();
    }

    /** A circle among services that all wait; its first name is also its last. */
    private static List<String> circle(Map<String, Set<String>> waiting) {
        Set<String> way = new LinkedHashSet<>();
        String next = waiting.keySet().iterator().next();
        while (way.add(next)) {
            next = Objects.requireNonNull(waiting.get(next)).stream()
                    .filter(waiting::containsKey)
                    .findFirst()
                    .orElseThrow();
        }
        List<String> circle = new ArrayList<>(way);
        circle.subList(0, circle.indexOf(next)).clear();
        circle.add(next);
        return circle;
    }

    private static String hint(String word, Set<String> there, String what) {
        return there.isEmpty() ? "; the file has no " + what : Section.nearest(word, there);
    }

    private Path resolved(String text) {
        return resolved(folder, text);
    }

    /** Resolves a path of the file. */
    static Path resolved(Path folder, String text) {
        if (text.isEmpty()) {
            throw new IllegalArgumentException("must be a path");
        }
        return folder.resolve(text).normalize();
    }
}
