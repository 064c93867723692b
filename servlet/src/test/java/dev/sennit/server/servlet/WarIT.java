package dev.sennit.server.servlet;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sennit.server.Routes;
import dev.sennit.server.ServerSettings;
import dev.sennit.server.ServletServer;
import dev.sennit.server.WebResponse;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** WARs in the server, over sockets. */
@Timeout(120)
class WarIT {
    private static final String SHOP = """
            package com.acme;

            import jakarta.servlet.annotation.WebServlet;
            import jakarta.servlet.http.*;
            import java.io.IOException;

            @WebServlet("/shop")
            public class Shop extends HttpServlet {
                @Override
                protected void doGet(HttpServletRequest request, HttpServletResponse response) throws IOException {
                    getServletContext().log("shop was asked");
                    var out = response.getWriter();
                    out.println(getServletContext().getAttribute("life"));
                    for (String name : new String[] {"org.eclipse.jetty.server.Server", "dev.sennit.Pool",
                            "org.objectweb.asm.ClassReader", "org.assertj.core.api.Assertions"}) {
                        try {
                            out.println("sees " + Class.forName(name));
                        } catch (ClassNotFoundException e) {
                            // as it should be
                        }
                    }
                    out.println(org.slf4j.Logger.WHOSE);
                    out.println(getClass().getClassLoader().getResource("org/eclipse/jetty/server/Server.class"));
                    out.println(Thread.currentThread().getContextClassLoader() == getClass().getClassLoader());
                }
            }
            """;

    private static final String LIFE = """
            package com.acme;

            import jakarta.servlet.*;
            import jakarta.servlet.annotation.WebListener;

            @WebListener
            public class Life implements ServletContextListener {
                @Override
                public void contextInitialized(ServletContextEvent event) {
                    event.getServletContext().setAttribute("life", "lives in " + event.getServletContext()
                            .getInitParameter("town"));
                }
            }
            """;

    private static final String WEB_XML = """
            <?xml version="1.0" encoding="UTF-8"?>
            <web-app xmlns="https://jakarta.ee/xml/ns/jakartaee" version="6.1">
              <context-param><param-name>town</param-name><param-value>Bonn</param-value></context-param>
              %s
            </web-app>
            """;

    private static final String TEMPORARY = "java.io.tmpdir";

    private final String usual = System.getProperty(TEMPORARY);

    @TempDir
    Path temp;

    private War shop() throws Exception {
        return new War(temp.resolve("shop"))
                .source("com.acme.Shop", SHOP)
                .source("com.acme.Life", LIFE)
                .source("org.slf4j.Logger",
                        "package org.slf4j; public class Logger { public static String WHOSE = \"the own\"; }")
                .file("WEB-INF/web.xml", WEB_XML.formatted(""))
                .file("index.html", "welcome")
                .file("photos/a.txt", "a photo");
    }

    private static ServletServer serve(Path war, String path) throws Exception {
        return new ServletServer(ServletApplication.war(war).under(path), ServerSettings.DEFAULTS);
    }

    /** A folder of the test's own, as workers of other tests have theirs in the usual one. */
    @BeforeEach
    void haveFolders() throws IOException {
        System.setProperty(TEMPORARY, Files.createDirectory(temp.resolve("temporary")).toString());
    }

    @AfterEach
    void haveFoldersWhereTheyWere() {
        System.setProperty(TEMPORARY, usual);
    }

    private static long folders() throws IOException {
        try (Stream<Path> files = Files.list(Path.of(System.getProperty(TEMPORARY)))) {
            return files.filter(file -> file.getFileName().toString().contains("sennit-")).count();
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"/", "/inner/shop"})
    void aPackedWarIsServed(String path) throws Exception {
        Path war = shop().packed(temp.resolve("shop.war"));
        String root = path.equals("/") ? "" : path;
        try (ServletServer server = serve(war, path)) {
            assertThat(folders()).isEqualTo(1);
            assertThat(server.get(root + "/shop")).startsWith("HTTP/1.1 200 ")
                    .endsWith("\r\n\r\nlives in Bonn\nthe own\nnull\ntrue\n");
            assertThat(server.get(root + "/")).endsWith("\r\n\r\nwelcome");
            assertThat(server.get(root + "/photos/a.txt")).contains("ETag", "Content-Type: text/plain")
                    .endsWith("a photo");
            assertThat(server.get(root + "/photos/")).startsWith("HTTP/1.1 403 ");
            assertThat(server.get(root + "/WEB-INF/web.xml")).startsWith("HTTP/1.1 404 ");
            assertThat(server.get(root + "/x/../WEB-INF/web.xml")).startsWith("HTTP/1.1 404 ");
            assertThat(server.get(root + "/none")).startsWith("HTTP/1.1 404 ");
            Files.delete(war); // a worker has a copy
            assertThat(server.get(root + "/photos/a.txt")).endsWith("a photo");
        }
        assertThat(folders()).isZero();
    }

    @Test
    void aFolderIsServedBesideRoutes() throws Exception {
        Path war = shop().exploded();
        try (var server = new ServletServer(() -> Routes.create()
                .get("/ping", _ -> WebResponse.text("pong"))
                .under("/war", ServletApplication.war(war).handler()), ServerSettings.DEFAULTS)) {
            assertThat(server.get("/ping")).endsWith("pong");
            assertThat(server.get("/war/shop")).contains("lives in Bonn");
            assertThat(server.get("/war")).startsWith("HTTP/1.1 301 ").contains("Location: /war/");
            assertThat(server.get("/other")).startsWith("HTTP/1.1 404 ");
        }
    }

    @Test
    void aBrokenWarSaysWhy() throws Exception {
        Path none = temp.resolve("none.war");
        assertThatThrownBy(() -> serve(none, "/").close()).hasMessageContaining("there is no WAR " + none);
        Path text = Files.writeString(temp.resolve("text.war"), "no zip");
        assertThatThrownBy(() -> serve(text, "/").close()).hasMessageContaining(text + " cannot be started");
        Path torn = shop().file("WEB-INF/web.xml", "<web-app>").packed(temp.resolve("torn.war"));
        assertThatThrownBy(() -> serve(torn, "/").close()).hasMessageContaining(torn + " cannot be started");
        Path lost = shop().file("WEB-INF/web.xml", WEB_XML.formatted(
                "<listener><listener-class>com.acme.Lost</listener-class></listener>"))
                .packed(temp.resolve("lost.war"));
        assertThatThrownBy(() -> serve(lost, "/").close())
                .hasMessage(lost + " cannot be started: class com.acme.Lost is missing");
        Path failing = shop().source("com.acme.Life", LIFE.replace("event.getServletContext().set",
                "if (true) throw new IllegalStateException(\"no database\"); event.getServletContext().set"))
                .packed(temp.resolve("failing.war"));
        assertThatThrownBy(() -> serve(failing, "/").close()).hasMessageStartingWith(
                failing + " cannot be started: java.lang.IllegalStateException: no database at com.acme.Life");
        assertThat(folders()).isZero();
    }

    @Test
    void aServerThatWasNeverStartedLeavesNoFolder() throws Exception {
        Path war = shop().packed(temp.resolve("shop.war"));
        Path none = temp.resolve("none.war");
        assertThatThrownBy(() -> new ServletServer(() -> Routes.create()
                .under("/a", ServletApplication.war(war).handler())
                .under("/b", ServletApplication.war(none).handler()), ServerSettings.DEFAULTS).close())
                .hasMessageContaining("there is no WAR " + none);
        assertThat(folders()).isZero();
    }
}
