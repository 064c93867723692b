package dev.sennit.cli.services;

import dev.sennit.Backoff;
import dev.sennit.internal.Durations;
import dev.sennit.server.ServerSettings;
import dev.sennit.server.TlsSettings;
import dev.sennit.server.WebService;
import dev.sennit.server.servlet.ServletApplication;
import dev.sennit.server.servlet.WebSocketSettings;
import dev.sennit.service.Escalation;
import dev.sennit.service.Readiness;
import dev.sennit.service.ServiceKind;
import dev.sennit.service.ServiceSettings;
import java.io.File;
import java.io.IOException;
import java.nio.file.DirectoryIteratorException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.regex.PatternSyntaxException;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** Reads the table of one service. */
final class ServiceReader {
    /** What a command cannot have, as only Sennit's own code in a JVM can heed it. */
    static final List<String> FOR_JAVA =
            List.of("classpath", "heap", "jvm-options", "listener", "spares", "heartbeat-limit", "max-work");
    private static final Pattern CLASS_NAME =
            Pattern.compile("\\p{javaJavaIdentifierStart}\\p{javaJavaIdentifierPart}*"
                    + "(?:\\.\\p{javaJavaIdentifierStart}\\p{javaJavaIdentifierPart}*)*");
    private static final Pattern PROCESSORS = Pattern.compile("(?:(\\d{1,9}) ?\\* ?)?cpus");
    private static final Pattern DIGITS = Pattern.compile("\\d{1,9}");
    private static final String CLASS_PATH_VARIABLE = "SENNIT_CLASSPATH";
    /** A service that stands for what is refused, so that its other keys are read too. */
    private static final String STAND_IN = "any";

    // The defaults of ServiceSettings, for a table that sets one key of several.
    private static final int DEATHS = 10;
    private static final Duration DEATH_WINDOW = Duration.ofMinutes(1);
    private static final Duration FIRST_PAUSE = Duration.ofMillis(100);
    private static final Duration LONGEST_PAUSE = Duration.ofSeconds(30);

    /** How {@code ready} may be written in one word. */
    private enum ReadyWord {
        INITIALIZED,
        SAID
    }

    /**
     * A service, with what {@link ServicesFileReader} checks against the others.
     *
     * @param keys its table
     * @param options for its JVMs
     * @param hasServlets whether it serves Servlets
     * @param tls where its certificates are; null if it has none
     */
    record Found(
            ServiceSettings settings, Section keys, List<String> after, @Nullable String listener,
            List<String> options, boolean hasServlets, @Nullable TlsSettings tls) {
        private boolean isJava() {
            return keys.has("class") || keys.has("application") || keys.has("files");
        }

        /** The processes that share the memory of the machine. */
        int jvms() {
            return isJava() ? settings.workers() + settings.spares() : 0;
        }

        /** The same for the same settings: of a Java service also its heap, and the queues that the file has. */
        String text(double percent, Collection<String> queues) {
            return keys.text() + settings.classPath()
                    + (isJava() ? percent + String.join(" ", queues) : "");
        }

        /** The settings, with a share of the memory for heaps if the file does not say how much. */
        ServiceSettings withShare(double percent) {
            if (!isJava() || keys.has("heap")) {
                return settings;
            }
            List<String> all = new ArrayList<>(List.of("-XX:MaxRAMPercentage=" + percent));
            all.addAll(options); // which may say something else
            return settings.toBuilder().jvmOptions(all.toArray(String[]::new)).build();
        }
    }

    private final String name;
    private final Section services;
    private final Section keys;
    private final Path folder;
    private final Map<String, String> environment;
    private final int processors;
    /** Whether what it starts has to be there already. */
    private final boolean isCheck;
    private final boolean isCommand;
    private final boolean isJava;
    /** Whether it is a Java service that serves an application, or files. */
    private final boolean isApplication;
    /** Whether it serves files alone, and so no class of the user's. */
    private final boolean isFiles;
    /** The WAR that it serves; null if it serves none, or has not been read. */
    private @Nullable Path war;
    /** Where its certificates are; null if it has none, or before they were read. */
    private @Nullable TlsSettings tls;

    /**
     * A reader of one service.
     *
     * @param services the table in which it stands
     * @param keys its own table
     * @param folder what paths are relative to
     * @param isCheck whether programs and classes have to be there; a manager tries again until they are
     */
    ServiceReader(
            String name, Section services, Section keys, Path folder, Map<String, String> environment,
            int processors, boolean isCheck) {
        this.name = name;
        this.services = services;
        this.keys = keys;
        this.folder = folder;
        this.environment = environment;
        this.processors = processors;
        this.isCheck = isCheck;
        List<String> kinds = Stream.of("class", "application", "files", "command").filter(keys::has).toList();
        this.isFiles = kinds.equals(List.of("files"));
        this.isApplication = isFiles || kinds.equals(List.of("application"));
        this.isCommand = kinds.equals(List.of("command"));
        this.isJava = isApplication || kinds.equals(List.of("class"));
    }

    /** Reads all keys. What it returns is of use only if there was no problem. */
    Found read() {
        ServiceSettings.Builder builder = begin();
        workers(builder);
        keys.word("kind", ServiceKind.class, builder::kind);
        List<String> after = keys.texts("after");
        if (after != null) {
            keys.give("after", after, after.toString(), names -> builder.after(names.toArray(String[]::new)));
        }
        readiness(builder);
        keys.time("start-limit", builder::startLimit);
        keys.time("stop-limit", builder::stopLimit);
        keys.time("heartbeat-limit", builder::heartbeatLimit);
        keys.time("orphan-limit", builder::orphanLimit);
        backoff(builder);
        deaths(builder);
        keys.smallNumber("at-once", builder::atOnce);
        keys.flag("reload-in-place", builder::reloadInPlace);
        keys.time("max-age", builder::maxAge);
        keys.size("max-memory", builder::maxMemory);
        keys.number("max-work", builder::maxWork);
        keys.smallNumber("spares", count -> isCommand ? builder : builder.spares(count)); // of a command refused below
        keys.size("heap", builder::heap);
        List<String> options = keys.eachText("jvm-options", ServiceReader::checkedOption);
        if (isApplication) { // Jetty logs through SLF4J, which would complain in each worker that has no provider of it
            options = Stream.concat(Stream.of("-Dslf4j.internal.verbosity=ERROR"),
                    options == null ? Stream.empty() : options.stream()).toList();
        }
        if (options != null) {
            builder.jvmOptions(options.toArray(String[]::new));
        }
        classPath(builder);
        Map<String, String> own = variables();
        builder.environment(own);
        Path directory = Objects.requireNonNullElse(keys.text("directory", this::existingFolder), folder);
        builder.directory(directory);
        String listener = keys.text("listener");
        if (isCommand) {
            FOR_JAVA.stream().filter(keys::has).forEach(key -> keys.refuse(key,
                    key + " is for Java services, and service " + name + " is a command; leave it out"));
        }
        if (keys.has("web-sockets") && war == null) {
            keys.refuse("web-sockets", "web-sockets is for WARs, and service " + name + " is none; leave it out");
        }
        if (!isApplication && keys.has("http")) {
            keys.refuse("http", "http is for applications, and service " + name + " is none; leave it out");
        }
        if (!isApplication && keys.has("tls")) {
            keys.refuse("tls", "tls is for applications, and service " + name + " is none; leave it out");
        }
        if (isApplication && !keys.has("listener")) {
            keys.refuse(classKey(), "service " + name + " has no listener; write listener = \"NAME\", and "
                    + "[listeners.NAME] with tcp = \"127.0.0.1:8080\"");
        }
        keys.refuseOthers();
        if (listener != null && isJava) {
            builder.listener(listener);
        }
        ServiceSettings read = builder.build();
        if (isCheck && isCommand) {
            lookForProgram(read.command().getFirst(), own, directory);
        } else if (isCheck && war != null) {
            String obstacle = WarFile.obstacle(war);
            if (obstacle != null) {
                keys.refuse("application", "service " + name + ": " + obstacle);
            }
        } else if (isCheck && isJava && !isFiles && !read.classPath().isEmpty()) {
            lookForClass(read);
        }
        return new Found(read, keys, after == null ? List.of() : after, listener,
                options == null ? List.of() : options, hasServlets(read), tls);
    }

    private ServiceSettings.Builder begin() {
        String className = keys.text("class", ServiceReader::checkedClassName);
        String application = keys.text("application", this::checkedApplication);
        if (application != null && WarFile.isNamed(application)) {
            war = ServicesFileReader.resolved(folder, application);
        }
        Path files = keys.text("files", this::existingFolder);
        HttpReader reader = new HttpReader(keys);
        WebSocketSettings webSockets = reader.readWebSockets();
        ServerSettings http = reader.read();
        tls = new TlsReader(keys, folder).read();
        List<String> command = keys.texts("command");
        if (command != null && (command.isEmpty() || command.getFirst().isEmpty())) {
            keys.refuse("command", "command must begin with a program; write [\"PROGRAM\", \"ARGUMENT\", ...]");
            command = null;
        }
        if (!isCommand && !isJava) {
            boolean hasSeveral = keys.has("class") || keys.has("application") || keys.has("files");
            services.refuse(name, "service " + name + (hasSeveral
                    ? " has several of class, application, files and command; write one of them"
                    : " has neither class nor application nor files nor command; write one of them"));
        }
        try {
            return isCommand
                    ? ServiceSettings.ofCommand(name, Objects.requireNonNullElse(command, List.of(STAND_IN))
                            .toArray(String[]::new))
                    : isApplication
                            ? ServiceSettings.of(name, secured(files != null
                                    ? WebService.ofFiles(files, http)
                                    : war != null
                                            ? WebService.of(ServletApplication.war(war).webSockets(webSockets), http)
                                            : WebService.ofClass(
                                                    Objects.requireNonNullElse(application, STAND_IN), http))
                                    .front(reader.front()))
                            : ServiceSettings.ofClass(name, Objects.requireNonNullElse(className, STAND_IN));
        } catch (IllegalArgumentException e) { // the name: all else was checked
            services.refuse(name, String.valueOf(e.getMessage()));
            return isCommand
                    ? ServiceSettings.ofCommand(STAND_IN, STAND_IN)
                    : ServiceSettings.ofClass(STAND_IN, STAND_IN);
        }
    }

    private WebService secured(WebService service) {
        return tls == null ? service : service.tls(tls);
    }

    /** By the rules of its start. */
    private void lookForProgram(String program, Map<String, String> own, Path directory) {
        if (program.equals(STAND_IN)) { // was refused
            return;
        }
        boolean hasFolder = program.contains("/");
        String path = own.getOrDefault("PATH", environment.getOrDefault("PATH", "/usr/bin:/bin"));
        Stream<String> folders = hasFolder ? Stream.of("") : Stream.of(path.split(File.pathSeparator, -1));
        boolean isThere = folders.anyMatch(folder -> isProgram(directory, folder, program));
        if (!isThere) {
            String where = program.startsWith("/") ? "" : hasFolder ? " in " + directory : " on PATH";
            keys.refuse("command", "there is no program " + Problems.quoted(program) + where
                    + " that this user may run; correct the name, or install it");
        }
    }

    private static boolean isProgram(Path directory, String folder, String program) {
        try {
            Path file = directory.resolve(folder).resolve(program);
            return Files.isRegularFile(file) && Files.isExecutable(file);
        } catch (InvalidPathException e) { // no file can have that name
            return false;
        }
    }

    /** The key that names the class of a Java service. */
    private String classKey() {
        return isFiles ? "files" : isApplication ? "application" : "class";
    }

    private void lookForClass(ServiceSettings read) {
        String className = isApplication
                ? keys.text("application", ServiceReader::checkedClassName)
                : Objects.requireNonNull(read.className());
        if (className == null || className.equals(STAND_IN)) { // was refused
            return;
        }
        String obstacle = isApplication
                ? ServiceClass.obstacleOfApplication(className, read.classPath())
                : ServiceClass.obstacle(className, read.classPath());
        if (obstacle != null) {
            keys.refuse(classKey(), "service " + name + ": " + obstacle);
        }
    }

    private boolean hasServlets(ServiceSettings read) {
        return war != null || isApplication && !read.classPath().isEmpty()
                && ServiceClass.isServlet(Objects.requireNonNullElse(keys.text("application"), STAND_IN),
                        read.classPath());
    }

    private String checkedApplication(String text) {
        return WarFile.isNamed(text) ? text : checkedClassName(text);
    }

    private static String checkedClassName(String text) {
        if (!CLASS_NAME.matcher(text).matches()) {
            throw new IllegalArgumentException("must be the name of a class such as com.acme.Worker");
        }
        return text;
    }

    private void workers(ServiceSettings.Builder builder) {
        if (!keys.isText("workers")) {
            keys.smallNumber("workers", builder::workers);
            return;
        }
        boolean isVariable = keys.hasVariable("workers");
        keys.text("workers", text -> {
            Matcher byProcessors = PROCESSORS.matcher(text);
            if (byProcessors.matches()) {
                String times = byProcessors.group(1);
                long count = (times == null ? 1 : Long.parseLong(times)) * processors;
                return builder.workers((int) Math.min(count, Integer.MAX_VALUE));
            }
            if (isVariable && DIGITS.matcher(text).matches()) {
                return builder.workers(Integer.parseInt(text));
            }
            throw new IllegalArgumentException("must be a number, \"cpus\" or \"2*cpus\"");
        });
    }

    private void readiness(ServiceSettings.Builder builder) {
        Readiness chosen = keys.isTable("ready") ? watchedReadiness() : toldReadiness();
        if (chosen == null) {
            return;
        }
        boolean isForBoth = chosen instanceof Readiness.Said;
        if (isCommand && chosen instanceof Readiness.Initialized) {
            keys.refuse("ready", "ready = \"initialized\" is for Java services, and service " + name
                    + " is a command; write \"said\", { line = \"...\" }, { port = N } or { alive = \"2s\" }");
        } else if (isJava && !isForBoth && !(chosen instanceof Readiness.Initialized)) {
            keys.refuse("ready", "line, port and alive are for commands, and service " + name
                    + " is a class; write ready = \"initialized\" or \"said\"");
        } else if (isCommand || isJava) {
            builder.readiness(chosen);
        }
    }

    private @Nullable Readiness toldReadiness() {
        return keys.word("ready", ReadyWord.class, word -> switch (word) {
            case INITIALIZED -> new Readiness.Initialized();
            case SAID -> new Readiness.Said();
        });
    }

    private @Nullable Readiness watchedReadiness() {
        Section ready = Objects.requireNonNull(keys.section("ready", "ready", "ready."));
        Readiness line = ready.text("line", text -> new Readiness.Line(pattern(text)));
        Readiness port = ready.smallNumber("port", Readiness.Port::new);
        Readiness alive = ready.time("alive", Readiness.Alive::new);
        ready.refuseOthers();
        long count = List.of("line", "port", "alive").stream().filter(ready::has).count();
        if (count != 1) {
            keys.refuse("ready", "ready must have one of line, port and alive, has " + count);
            return null;
        }
        return line != null ? line : port != null ? port : alive;
    }

    private static Pattern pattern(String text) {
        try {
            return Pattern.compile(text);
        } catch (PatternSyntaxException e) {
            throw new IllegalArgumentException("must be a regular expression (" + e.getDescription() + ")");
        }
    }

    private void backoff(ServiceSettings.Builder builder) {
        Section backoff = keys.section("backoff", "backoff", "backoff.");
        if (backoff == null) {
            return;
        }
        Duration first = Objects.requireNonNullElse(backoff.time("first", ServiceReader::positive), FIRST_PAUSE);
        Duration most = Objects.requireNonNullElse(backoff.time("most", ServiceReader::positive), LONGEST_PAUSE);
        backoff.refuseOthers();
        if (most.compareTo(first) < 0) {
            keys.refuse("backoff", "backoff.most must be >= backoff.first, was " + Durations.text(most) + " and "
                    + Durations.text(first));
        }
        builder.backoff(Backoff.exponential(first).atMost(most).fullJitter());
    }

    private void deaths(ServiceSettings.Builder builder) {
        Section deaths = keys.section("deaths", "deaths", "deaths.");
        if (deaths == null) {
            return;
        }
        Integer count = deaths.smallNumber("count", number -> {
            if (number < 1) {
                throw new IllegalArgumentException("must be >= 1");
            }
            return number;
        });
        Duration within = deaths.time("within", ServiceReader::positive);
        Escalation then = deaths.word("then", Escalation.class, word -> word);
        deaths.refuseOthers();
        builder.deaths(Objects.requireNonNullElse(count, DEATHS), Objects.requireNonNullElse(within, DEATH_WINDOW),
                Objects.requireNonNullElse(then, Escalation.KEEP_TRYING));
    }

    private static Duration positive(Duration time) {
        if (!time.isPositive()) {
            throw new IllegalArgumentException("must be > 0");
        }
        return time;
    }

    private static String checkedOption(String text) {
        if (!text.startsWith("-") || text.length() < 2) {
            throw new IllegalArgumentException("must be an option such as -XX:+UseZGC");
        }
        return text;
    }

    private void classPath(ServiceSettings.Builder builder) {
        if (war != null) {
            if (keys.texts("classpath") != null) {
                keys.refuse("classpath", "classpath is not for WARs; put the jars into WEB-INF/lib of the WAR");
            }
            return;
        }
        List<List<Path>> parts = keys.eachText("classpath", text -> expanded(folder, text));
        String shared = environment.getOrDefault(CLASS_PATH_VARIABLE, "");
        if (keys.has("classpath")) {
            if (parts != null && parts.isEmpty()) {
                keys.refuse("classpath", "classpath must have a jar or a folder, was empty");
            }
        } else if (isJava && shared.isBlank() && !isFiles) {
            keys.refuse(classKey(),
                    "service " + name + " has no class path; write classpath = [\"app.jar\"], or set "
                            + CLASS_PATH_VARIABLE);
        } else if (isJava && !shared.isBlank()) {
            parts = sharedClassPath(shared);
        }
        if (parts != null) {
            builder.classPath(parts.stream().flatMap(List::stream).toArray(Path[]::new));
        }
    }

    /** The class path of a service that names none; null if a part of it is missing. */
    private @Nullable List<List<Path>> sharedClassPath(String parts) {
        Path here = Path.of("").toAbsolutePath();
        List<List<Path>> found = new ArrayList<>();
        for (String part : parts.split(Pattern.quote(File.pathSeparator))) {
            try {
                found.add(part.isEmpty() ? List.of() : expanded(here, part));
            } catch (IllegalArgumentException e) {
                keys.refuse(classKey(),
                        "the class path in " + CLASS_PATH_VARIABLE + " " + e.getMessage() + ", was "
                                + Problems.quoted(part));
                return null;
            }
        }
        return found;
    }

    /** The jar or folder that a part names, or for {@code lib/*} all jars of the folder, by name. */
    private static List<Path> expanded(Path base, String part) {
        if (!part.equals("*") && !part.endsWith("/*")) {
            Path path = ServicesFileReader.resolved(base, part);
            if (!Files.exists(path)) {
                throw new IllegalArgumentException("must be a jar or a folder that exists");
            }
            return List.of(path);
        }
        Path folder = base.resolve(part.substring(0, part.length() - 1)).normalize();
        List<Path> jars = new ArrayList<>();
        try (DirectoryStream<Path> files = Files.newDirectoryStream(folder, "*.{jar,JAR}")) {
            files.forEach(jars::add);
        } catch (IOException | DirectoryIteratorException e) {
            throw new IllegalArgumentException("must be the jars of a folder that exists", e);
        }
        if (jars.isEmpty()) {
            throw new IllegalArgumentException("must be the jars of a folder that has some");
        }
        return jars.stream().sorted().toList();
    }

    private Map<String, String> variables() {
        Map<String, String> variables = new LinkedHashMap<>();
        Section section = keys.section("environment", "[services." + name + ".environment]", "");
        if (section == null) {
            return variables;
        }
        for (String each : section.names()) {
            String text = section.text(each);
            if (each.isEmpty() || each.contains("=") || each.indexOf(0) >= 0) {
                section.refuse(each, "name of a variable must have a character, and neither = nor NUL, was "
                        + Problems.quoted(each));
            } else if (text != null) {
                variables.put(each, text);
            }
        }
        return variables;
    }

    private Path existingFolder(String text) {
        Path path = ServicesFileReader.resolved(folder, text);
        if (!Files.isDirectory(path)) {
            throw new IllegalArgumentException("must be a folder that exists");
        }
        return path;
    }
}
