package dev.sennit.cli.services;

import dev.sennit.cli.command.CommandException;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.FileSystem;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.ProviderNotFoundException;
import java.util.Collections;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.Stream;
import java.util.zip.ZipEntry;
import java.util.zip.ZipFile;
import java.util.zip.ZipInputStream;
import javax.xml.stream.XMLInputFactory;
import javax.xml.stream.XMLStreamException;
import javax.xml.stream.XMLStreamReader;
import org.jspecify.annotations.Nullable;

/** Looks whether a WAR can be served. None of its code runs. */
final class WarFile {
    /** The elements of {@code web.xml} that name a class. */
    private static final List<String> CLASSES = List.of("servlet-class", "filter-class", "listener-class");

    /** Classes of these the server has itself. */
    private static final List<String> OF_SERVER = List.of("jakarta.", "java.", "javax.", "org.eclipse.jetty.");

    private WarFile() {}

    /** Returns whether a text names a WAR, or a folder with the content of one, and no class. */
    static boolean isNamed(String text) {
        String lower = text.toLowerCase(Locale.ROOT);
        return lower.endsWith(".war") || text.contains("/") && !lower.endsWith(".jar");
    }

    /** Returns the name of a WAR without its end. */
    static String title(Path war) {
        String name = String.valueOf(war.getFileName());
        return name.toLowerCase(Locale.ROOT).endsWith(".war") ? name.substring(0, name.length() - 4) : name;
    }

    /** Returns what is wrong, and what to do; null if nothing is. */
    static @Nullable String obstacle(Path war) {
        if (!Files.exists(war)) {
            return "WAR " + war + " is not there: correct the path, or build it first";
        }
        if (Files.isDirectory(war)) {
            return Files.isDirectory(war.resolve("WEB-INF"))
                    ? obstacle(war, war)
                    : "folder " + war + " has no WEB-INF, so it is no WAR: name the folder with WEB-INF";
        }
        try (var zip = new ZipFile(war.toFile())) {
            // Jetty unpacks it: nothing may go elsewhere
            for (ZipEntry entry : Collections.list(zip.entries())) {
                if (entry.getName().startsWith("/") || List.of(entry.getName().split("/")).contains("..")) {
                    return "WAR " + war + " has a file with the path " + entry.getName()
                            + ", which is not in it: build it again";
                }
            }
        } catch (IOException e) {
            return "WAR " + war + " cannot be read (" + CommandException.oneLine(e) + "): build or copy it again";
        }
        try (FileSystem files = FileSystems.newFileSystem(war, Map.of("accessMode", "readOnly"))) {
            return obstacle(war, files.getPath("/"));
        } catch (IOException | ProviderNotFoundException e) {
            return "WAR " + war + " cannot be read (" + CommandException.oneLine(e) + "): build or copy it again";
        }
    }

    private static @Nullable String obstacle(Path war, Path root) {
        Path descriptor = root.resolve("WEB-INF/web.xml");
        if (!Files.exists(descriptor)) { // annotations say all
            return null;
        }
        try (InputStream in = Files.newInputStream(descriptor)) {
            XMLInputFactory factory = XMLInputFactory.newInstance();
            factory.setProperty(XMLInputFactory.SUPPORT_DTD, false); // nothing from elsewhere is read
            factory.setProperty(XMLInputFactory.IS_SUPPORTING_EXTERNAL_ENTITIES, false);
            XMLStreamReader xml = factory.createXMLStreamReader(in);
            while (xml.hasNext()) {
                if (xml.next() == XMLStreamReader.START_ELEMENT && CLASSES.contains(xml.getLocalName())) {
                    String element = xml.getLocalName();
                    String name = xml.getElementText().strip();
                    if (OF_SERVER.stream().noneMatch(name::startsWith) && !hasClass(root, name)) {
                        return "WEB-INF/web.xml of " + war + " names a " + element + " " + name
                                + " that is neither in WEB-INF/classes nor in WEB-INF/lib: correct the name, or "
                                + "build it";
                    }
                }
            }
            return null;
        } catch (XMLStreamException e) {
            return "WEB-INF/web.xml of " + war + " is no XML (line " + e.getLocation().getLineNumber()
                    + "): correct it";
        } catch (IOException e) {
            return "WEB-INF/web.xml of " + war + " cannot be read (" + CommandException.oneLine(e)
                    + "): build or copy it again";
        }
    }

    private static boolean hasClass(Path root, String name) throws IOException {
        String file = name.replace('.', '/') + ".class";
        if (Files.exists(root.resolve("WEB-INF/classes").resolve(file))) {
            return true;
        }
        Path folder = root.resolve("WEB-INF/lib");
        if (!Files.isDirectory(folder)) {
            return false;
        }
        List<Path> jars;
        try (Stream<Path> all = Files.list(folder)) {
            jars = all.filter(one -> one.toString().endsWith(".jar")).toList();
        }
        for (Path jar : jars) {
            try (var zip = new ZipInputStream(new ByteArrayInputStream(Files.readAllBytes(jar)))) {
                for (ZipEntry entry = zip.getNextEntry(); entry != null; entry = zip.getNextEntry()) {
                    if (entry.getName().equals(file)) {
                        return true;
                    }
                }
            }
        }
        return false;
    }
}
