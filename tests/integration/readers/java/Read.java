// Reads by JDBC with nothing configured but the URL, which asks for the driver's own compression.
import java.sql.*;
import java.util.Arrays;
import java.util.Properties;

public class Read {
    public static void main(String[] arguments) throws Exception {
        // jdbc-v2 alone does not name itself to the DriverManager.
        Class.forName("com.clickhouse.jdbc.Driver").getMethod("load").invoke(null);
        for (String compress : new String[] {"default", "0", "1"}) {
            Properties properties = new Properties();
            if (!compress.equals("default")) {
                properties.setProperty("compress", compress);
            }
            try (Connection connection = DriverManager.getConnection(arguments[0], properties)) {
                System.out.println(compress + " " + read(connection));
            }
        }
    }

    private static String read(Connection connection) throws SQLException {
        StringBuilder found = new StringBuilder();
        found.append(connection.getMetaData().getDatabaseMajorVersion() >= 26);
        String sql = "SELECT SessionId, TotalTokens, UserIds FROM sessions WHERE SessionId = ?";
        try (PreparedStatement statement = connection.prepareStatement(sql)) {
            statement.setString(1, "a session");
            try (ResultSet rows = statement.executeQuery()) {
                while (rows.next()) {
                    Object[] users = (Object[]) rows.getArray(3).getArray();
                    found.append(" ").append(rows.getString(1)).append(" ").append(rows.getLong(2));
                    found.append(" ").append(Arrays.toString(users));
                }
            }
        }
        try (ResultSet tables = connection.getMetaData().getTables(null, "otel", "sessions", null)) {
            found.append(" ").append(tables.next() && tables.getString("TABLE_NAME").equals("sessions"));
        }
        try (ResultSet columns = connection.getMetaData().getColumns(null, "otel", "sessions", "SessionId")) {
            found.append(" ").append(columns.next() && columns.getString("TYPE_NAME").contains("String"));
        }
        long sum = 0;
        try (Statement statement = connection.createStatement();
                ResultSet rows = statement.executeQuery("SELECT number, toString(number) FROM numbers(100000)")) {
            while (rows.next()) {
                sum += rows.getLong(1);
            }
        }
        found.append(" ").append(sum);
        try (Statement statement = connection.createStatement()) {
            statement.execute("DROP TABLE sessions");
        } catch (SQLException refused) {
            found.append(" ").append(refused.getMessage().startsWith("Code: 164."));
        }
        return found.toString();
    }
}
