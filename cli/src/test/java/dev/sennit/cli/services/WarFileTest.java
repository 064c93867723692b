package dev.sennit.cli.services;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class WarFileTest {
    private static final String LISTENER =
            "<web-app><listener><listener-class> com.acme.%s </listener-class></listener></web-app>";

    @TempDir
    Path temp;

    private Path zip(String name, String... entries) throws IOException {
        Path zip = temp.resolve(name);
        try (var out = new ZipOutputStream(Files.newOutputStream(zip))) {
            for (int i = 0; i < entries.length; i += 2) {
                out.putNextEntry(new ZipEntry(entries[i]));
                out.write(entries[i + 1].getBytes());
            }
        }
        return zip;
    }

    @Test
    void names() {
        assertThat(WarFile.isNamed("shop.war")).isTrue();
        assertThat(WarFile.isNamed("SHOP.WAR")).isTrue();
        assertThat(WarFile.isNamed("./shop")).isTrue();
        assertThat(WarFile.isNamed("com.acme.Shop")).isFalse();
        assertThat(WarFile.isNamed("/srv/shop.jar")).isFalse();
        assertThat(WarFile.title(Path.of("/x/shop.war"))).isEqualTo("shop");
        assertThat(WarFile.title(Path.of("/x/shop"))).isEqualTo("shop");
    }

    @Test
    void whatIsWellHasNoObstacle() throws IOException {
        assertThat(WarFile.obstacle(zip("plain.war", "index.html", "hi"))).isNull();
        assertThat(WarFile.obstacle(zip("classes.war", "WEB-INF/web.xml", LISTENER.formatted("Life"),
                "WEB-INF/classes/com/acme/Life.class", ""))).isNull();
        Path inner = zip("inner.jar", "com/acme/Life.class", "");
        Path war = temp.resolve("lib.war");
        try (var out = new ZipOutputStream(Files.newOutputStream(war))) {
            out.putNextEntry(new ZipEntry("WEB-INF/web.xml"));
            out.write(LISTENER.formatted("Life").getBytes());
            out.putNextEntry(new ZipEntry("WEB-INF/lib/inner.jar"));
            Files.copy(inner, out);
        }
        assertThat(WarFile.obstacle(war)).isNull();
        Path folder = Files.createDirectories(temp.resolve("folder/WEB-INF"));
        assertThat(WarFile.obstacle(folder.getParent())).isNull();
    }

    @Test
    void whatIsBrokenIsNamed() throws IOException {
        Path text = Files.writeString(temp.resolve("text.war"), "no zip");
        assertThat(WarFile.obstacle(text)).startsWith("WAR " + text + " cannot be read (").doesNotContain("\n");
        assertThat(WarFile.obstacle(temp.resolve("none.war"))).contains("is not there");
        assertThat(WarFile.obstacle(temp)).contains("has no WEB-INF");
        Path torn = zip("torn.war", "WEB-INF/web.xml", "<web-app>\n<servlet>");
        assertThat(WarFile.obstacle(torn)).isEqualTo(
                "WEB-INF/web.xml of " + torn + " is no XML (line 2): correct it");
        Path lost = zip("lost.war", "WEB-INF/web.xml", LISTENER.formatted("Lost"));
        assertThat(WarFile.obstacle(lost)).startsWith(
                "WEB-INF/web.xml of " + lost + " names a listener-class com.acme.Lost that is neither in");
        assertThat(WarFile.obstacle(zip("slip.war", "../out", "x"))).contains("has a file with the path ../out");
    }

    @Test
    void nothingFromElsewhereIsRead() throws IOException {
        Path secret = Files.writeString(temp.resolve("secret"), "com.acme.Secret");
        Path war = zip("entity.war", "WEB-INF/web.xml", "<!DOCTYPE web-app [<!ENTITY s SYSTEM \"" + secret.toUri()
                + "\">]><web-app><listener><listener-class>&s;</listener-class></listener></web-app>");
        assertThat(WarFile.obstacle(war)).isNotNull().doesNotContain("Secret");
    }
}
