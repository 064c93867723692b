package dev.sennit.cli.command;

/** A bar of fixed width on the terminal's last line: {@code [#######.............]  7 of 20  label}. */
public final class ProgressBar {
    private static final int WIDTH = 30;

    private final Terminal terminal;

    public ProgressBar(Terminal terminal) {
        this.terminal = terminal;
    }

    public void show(int done, int total, String label) {
        terminal.bar(text(done, total, label));
    }

    public void wipe() {
        terminal.wipeBar();
    }

    static String text(int done, int total, String label) {
        int filled = total <= 0 ? 0 : Math.clamp((long) done * WIDTH / total, 0, WIDTH);
        String count = total <= 0 ? "" : done + " of " + total + "  ";
        return "[" + "#".repeat(filled) + ".".repeat(WIDTH - filled) + "]  " + count + label;
    }
}
