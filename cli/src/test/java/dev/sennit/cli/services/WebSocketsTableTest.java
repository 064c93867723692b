package dev.sennit.cli.services;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import dev.sennit.server.WebService;
import dev.sennit.server.servlet.ServletApplication;
import dev.sennit.server.servlet.WebSocketSettings;
import dev.sennit.service.ServiceSettings;
import java.io.IOException;
import java.lang.reflect.Field;
import java.lang.reflect.Method;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A WAR in a file of services, and the limits of its WebSockets. */
class WebSocketsTableTest {
    private static final String HEAD = """
            [listeners.web]
            tcp = "127.0.0.1:0"
            [services.a]
            application = "shop.war"
            listener = "web"
            """;

    @TempDir
    Path folder;

    private ServicesFile read(String toml) throws IOException, ServicesFileException {
        return ServicesFile.read(Files.writeString(folder.resolve("s.toml"), toml), Map.of(), 2);
    }

    private List<String> problems(String toml) {
        return catchThrowableOfType(ServicesFileException.class, () -> read(toml)).problems();
    }

    private static Object field(Object of, String name) throws ReflectiveOperationException {
        Field field = of.getClass().getDeclaredField(name);
        field.setAccessible(true);
        return field.get(of);
    }

    private static ServletApplication application(ServicesFile file) throws ReflectiveOperationException {
        Method getter = ServiceSettings.class.getDeclaredMethod("service");
        getter.setAccessible(true);
        return (ServletApplication) field((WebService) getter.invoke(file.services().getFirst()), "application");
    }

    @Test
    void eachKeySetsItsLimit() throws Exception {
        ServicesFile plain = read(HEAD);
        assertThat(plain.servlets()).containsExactly("a");
        assertThat(field(application(plain), "war")).isEqualTo(folder.resolve("shop.war").toString());
        assertThat(field(application(plain), "webSockets")).isEqualTo(WebSocketSettings.DEFAULTS);
        ServicesFile set = read(HEAD
                + "web-sockets = { most = 3, message-size = \"1k\", idle = \"1s\", going-away = \"2s\", unsent = 4, "
                + "send-limit = \"5s\" }\n");
        assertThat(field(application(set), "webSockets"))
                .isEqualTo(new WebSocketSettings(
                        3, 1024, Duration.ofSeconds(1), Duration.ofSeconds(2), 4, Duration.ofSeconds(5)));
    }

    @Test
    void mistakesAreRefused() {
        assertThat(problems(HEAD + "web-sockets = { most = -1, size = 3, unsent = 0 }\n")).hasSize(3);
        assertThat(problems(HEAD + "classpath = [\".\"]\n")).singleElement().asString()
                .contains("classpath is not for WARs");
        assertThat(problems(HEAD.replace("shop.war", "com.acme.Shop") + "classpath = [\".\"]\nweb-sockets = {}\n"))
                .singleElement().asString().contains("web-sockets is for WARs");
    }
}
