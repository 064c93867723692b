package dev.sennit.cli.services;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import dev.sennit.server.FrontSettings;
import dev.sennit.server.FrontSettings.AccessFormat;
import dev.sennit.server.FrontSettings.ProxyFields;
import dev.sennit.server.ServerSettings;
import dev.sennit.server.WebService;
import dev.sennit.service.ServiceSettings;
import java.io.IOException;
import java.lang.reflect.Field;
import java.lang.reflect.Method;
import java.lang.reflect.RecordComponent;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.regex.Pattern;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The limits of a server in a file of services. */
class HttpReaderTest {
    private static final Path GUIDE = Path.of("../docs/guides/serving.md");
    private static final String HEAD = """
            [listeners.web]
            tcp = "127.0.0.1:0"
            [services.a]
            application = "A"
            classpath = ["app.jar"]
            listener = "web"
            """;

    @TempDir
    Path folder;

    @BeforeEach
    void makeJar() throws IOException {
        Files.createFile(folder.resolve("app.jar"));
    }

    private ServicesFile read(String toml) throws IOException, ServicesFileException {
        return ServicesFile.read(Files.writeString(folder.resolve("s.toml"), toml), Map.of(), 2);
    }

    private List<String> problems(String toml) {
        return catchThrowableOfType(ServicesFileException.class, () -> read(toml)).problems();
    }

    private static ServerSettings settings(ServicesFile file) throws ReflectiveOperationException {
        ServiceSettings service = file.services().getFirst();
        Method getter = ServiceSettings.class.getDeclaredMethod("service");
        getter.setAccessible(true);
        Field limits = WebService.class.getDeclaredField("settings");
        limits.setAccessible(true);
        return (ServerSettings) limits.get(getter.invoke(service));
    }

    @Test
    void eachKeySetsItsLimit() throws Exception {
        assertThat(settings(read(HEAD))).isEqualTo(ServerSettings.DEFAULTS);
        assertThat(settings(read(HEAD + """
                [services.a.http]
                on = "threads:3"
                queue = 0
                connections = 7
                header-size = "16k"
                body-size = "2g"
                header-limit = "1s"
                stall-limit = "2s"
                keep-alive = "3s"
                deadline = "4s"
                heed-limit = "5s"
                last-request = "6s"
                retry-after = "7s"
                body-rate = 8
                body-grace = "9s"
                """))).isEqualTo(new ServerSettings("threads:3", 0, 7, 16 << 10, 2L << 30, Duration.ofSeconds(1),
                Duration.ofSeconds(2), Duration.ofSeconds(3), Duration.ofSeconds(4), Duration.ofSeconds(5),
                Duration.ofSeconds(6), Duration.ofSeconds(7), 8, Duration.ofSeconds(9)));
    }

    private static FrontSettings front(ServicesFile file) throws ReflectiveOperationException {
        ServiceSettings service = file.services().getFirst();
        Method getter = ServiceSettings.class.getDeclaredMethod("service");
        getter.setAccessible(true);
        Field front = WebService.class.getDeclaredField("front");
        front.setAccessible(true);
        return (FrontSettings) front.get(getter.invoke(service));
    }

    @Test
    void keysBesideTheLimits() throws Exception {
        assertThat(front(read(HEAD))).isEqualTo(FrontSettings.DEFAULTS);
        assertThat(front(read(HEAD + """
                [services.a.http]
                access-log = "log/access.log"
                access-format = "json"
                proxies = ["10.0.0.0/8", "unix"]
                proxy-fields = "forwarded"
                """))).isEqualTo(new FrontSettings(
                "log/access.log", AccessFormat.JSON, List.of("10.0.0.0/8", "unix"), ProxyFields.FORWARDED));
        assertThat(problems(HEAD + "http = { proxies = [\"proxy\"] }").getFirst())
                .contains("proxies must be addresses such as");
        assertThat(problems(HEAD + "http = { access-log = \"\" }").getFirst())
                .contains("must be none, stdout or a file");
    }

    @Test
    void theGuideHasARowForEachLimitWithItsDefault() throws Exception {
        Map<String, String> rows = new TreeMap<>();
        Pattern.compile("(?m)^\\| `([a-z-]+)` \\| ([^|]+) \\|")
                .matcher(Files.readString(GUIDE).replaceFirst("(?s).*## Limits", ""))
                .results()
                .forEach(row -> rows.put(row.group(1), row.group(2)));
        Map<String, String> defaults = new TreeMap<>();
        for (RecordComponent each : ServerSettings.class.getRecordComponents()) {
            String key = each.getName().replaceAll("([A-Z])", "-$1").toLowerCase(Locale.ROOT);
            Object value = each.getAccessor().invoke(ServerSettings.DEFAULTS);
            String text = key.endsWith("-size")
                    ? "`\"" + size(((Number) value).longValue()) + "\"`"
                    : value instanceof Duration time
                            ? "`\"" + time.toSeconds() + "s\"`"
                            : value instanceof String ? "`\"" + value + "\"`" : value.toString();
            defaults.put(key, text);
        }
        defaults.put("access-log", "`\"" + FrontSettings.DEFAULTS.accessLog() + "\"`");
        defaults.put("access-format", word(FrontSettings.DEFAULTS.accessFormat()));
        defaults.put("proxies", "`" + FrontSettings.DEFAULTS.proxies() + "`");
        defaults.put("proxy-fields", word(FrontSettings.DEFAULTS.proxyFields()));
        assertThat(FrontSettings.class.getRecordComponents()).hasSize(4);
        assertThat(rows).isEqualTo(defaults);
    }

    private static String word(Enum<?> value) {
        return "`\"" + value.name().toLowerCase(Locale.ROOT).replace('_', '-') + "\"`";
    }

    private static String size(long bytes) {
        return bytes % (1 << 20) == 0 ? (bytes >> 20) + "m" : (bytes >> 10) + "k";
    }

    @Test
    void mistakesAreRefused() {
        assertThat(problems(HEAD + "http = { quue = 3 }"))
                .containsExactly(folder.resolve("s.toml") + ":7:10: unknown key \"quue\" in http; did you mean queue?");
        assertThat(problems(HEAD + "http = { deadline = \"0s\" }").getFirst())
                .contains("deadline must be more than 0 and at most a day");
        assertThat(problems(HEAD + "http = { body-size = \"big\" }").getFirst())
                .contains("must be a number with k, m or g");
        assertThat(problems(HEAD + "http = { on = \"inline\" }").getFirst()).contains("on must be virtual[:N]");
        assertThat(problems(HEAD.replace("listener = \"web\"\n", "")).getLast())
                .contains("service a has no listener; write listener = \"NAME\"");
        assertThat(problems(HEAD.replace("application", "class") + "http = { queue = 3 }").getFirst())
                .contains("http is for applications, and service a is none");
        assertThat(problems(HEAD + "class = \"B\"").getFirst())
                .contains("service a has several of class, application, files and command");
    }
}
