use super::*;

const HEADER: &str = "<tr><th>Date<th>Open<th>High<th>Low<th>Close   <span>Close price adjusted \
                      for splits.</span><th>Adj Close<i>Adjusted close</i><th>Volume";

fn table(html: &str) -> Result<Option<Table>> {
    let mut tokens = Tokens::new(html.as_bytes(), 0);
    let Some(Token::Start(tag)) = tokens.next_tag() else { panic!("{html}") };
    read(&mut tokens, tag.start, RowLimit::default())
}

fn lines(html: &str) -> Vec<String> {
    let table = table(html).unwrap().expect(html);
    let mut lines: Vec<_> = table.rows.iter().map(|row| format!("{:?}", row.bar)).collect();
    for bad in table.unreadable {
        lines.push(format!("{} {:?}: {}", bad.row, bad.date.map(|d| d.to_string()), bad.reason));
    }
    lines.extend(table.actions.iter().map(|(action, _)| format!("{action:?}")));
    lines.extend(table.bad_actions.iter().map(|(date, _, text)| format!("bad {date:?} {text}")));
    lines
}

#[test]
fn rows_end_with_and_without_end_tags() {
    let cells = ["Jun 13, 2025", "1", "3", "0.5", "2.50", "2.49", "1,000"];
    let bar = "Bar(2025-06-13 o 1 h 3 l 0.5 c 2.5 a 2.49 v 1000)";
    let full: String = cells.iter().map(|cell| format!("<td>{cell}</td>")).collect();
    let bare: String = cells.iter().map(|cell| format!("<td>{cell}")).collect();
    let dressed: String =
        cells.iter().map(|cell| format!("<TD class='>'> <b>{cell}</b><!-- <td>9 -->\n")).collect();
    let entities: String = cells
        .iter()
        .map(|cell| format!("<td>{}</td>", cell.replace(' ', "&nbsp;").replace('1', "&#49;")))
        .collect();
    let nested = full.replace("<td>3</td>", "<td><table><tr><td>3</td></tr></table></td>");
    for row in [
        format!("<tr>{full}</tr>"),
        format!("<tr>{bare}"),
        format!("<tbody>{bare}</tbody>"),
        full.clone(),
        format!("<tr>{dressed}</tr>"),
        format!("<tr>{entities}</tr>"),
        format!("<tr>{nested}</tr>"),
        format!("<tr></tr><tr>{full}<td>more</td></tr>"),
        format!("<tr>{full}</tr></tr></td></tbody>"),
        format!("<tr>{}</tr>", full.replace("<td>J", "<th scope=row>J")),
    ] {
        let html = format!("<table>{HEADER}<tbody>{row}</table>");
        assert_eq!(lines(&html), [bar], "{html}");
        if row == full {
            // Without a row's tag all cells are one row's.
            continue;
        }
        let html = format!("<table>{HEADER}<tbody>{row}{row}{row}{row}</table>");
        assert_eq!(lines(&html), [bar; 4], "{html}");
    }
}

#[test]
fn columns_are_found_by_their_names_in_any_order() {
    let html = "<table><caption>Prices</caption><thead><tr></tr><tr><td>volume</td><td>CLOSE*</td>\
                <td>Adj Close**</td><td>Change</td><td>Low</td><td>High</td><td>Open</td>\
                <td>Date</td></tr></thead>\
                <tr><td>7<td>-<td>N/A<td>+1%<td>1.<td>&mdash;<td><td>Jun 13, 2025</tr>\
                <tr><td>7<td>-<td>N/A<td>+1%<td>-1<td>&mdash;<td><td>June 12, 2025</tr></table>";
    assert_eq!(
        lines(html),
        [
            "Bar(2025-06-13 o - h - l - c - a - v 7)",
            "Bar(2025-06-12 o - h - l -1 c - a - v 7)",
            "0 Some(\"2025-06-13\"): low is \"1.\", expected a number such as 1,234.56",
        ]
    );
}

#[test]
fn events_and_other_rows_of_few_cells_are_told_apart() {
    let html = format!(
        "<table>{HEADER}\
         <tr><td>Jun 13, 2025<td colspan=6><span>0.26</span> Dividend </tr>\
         <tr><td>Jun 12, 2025</td><td COLSPAN='6'><b>1,000:961</b>\n Stock Splits</td></tr>\
         <tr><td>Jun 11, 2025<td colspan=6>0.5 Capital Gains\
         <tr><td>Jun 10, 2025<td colspan=6>something else\
         <tr><td>no date<td colspan=6>0.26 Dividend\
         <tr><td colspan=7>a footnote\
         <tr><th>Date<th>Open<th>High<th>Low<th>Close<th>Adj Close<th>Volume\
         <tr><td>Jun 9, 2025<td>1<td>2\
         </table>"
    );
    let lines = lines(&html);
    assert_eq!(lines.len(), 7, "{lines:?}");
    assert!(lines[0].starts_with("Bar(2025-06-09"));
    assert!(lines[1].contains("it has 3 cells, expected 7"));
    assert!(lines[2].contains("Dividend") && lines[2].contains("260000000"));
    assert!(lines[3].contains("961000000000"));
    assert!(lines[4].contains("CapitalGain"));
    assert!(lines[5].contains("something else") && lines[6].contains("bad None"));
}

#[test]
fn unreadable_rows_say_why() {
    let row = |cells: &str| {
        let html = format!("<table>{HEADER}<tr>{cells}</tr></table>");
        lines(&html).pop().unwrap()
    };
    let date = row("<td>13.06.2025<td>1<td>1<td>1<td>1<td>1<td>1");
    assert_eq!(date, "0 None: its date is \"13.06.2025\", expected one such as \"Jun 13, 2025\"");
    for (cells, reason) in [
        ("<td>1<td>1<td>1<td>1,5<td>1<td>1", "close is \"1,5\""),
        ("<td>1<td>1<td>1<td>1<td>1<td>1.5", "volume is \"1.5\""),
        ("<td>1<td>1<td>1<td>1<td>1<td>-5", "volume is \"-5\""),
        ("<td>9999999999999<td>1<td>1<td>1<td>1<td>5", "open is \"9999999999999\""),
    ] {
        let line = row(&format!("<td>Jun 13, 2025{cells}"));
        assert!(line.contains("2025-06-13") && line.contains(reason), "{line}");
    }
}

#[test]
fn other_tables_and_tables_cut_off_are_not_read() {
    for html in [
        "<table><tr><th>Date<th>Open<th>Close</table>",
        "<table></table>",
        "<table>",
        "<table><tr><td><table>",
        "<table><tr><th>Dated<th>Opening<th>Highs<th>Lower<th>Closed<th>Adj Closed<th>Volumes</table>",
    ] {
        assert!(table(html).unwrap().is_none(), "{html}");
    }
    for html in [format!("<table>{HEADER}<tr><td>Jun 13, 2025"), format!("<table>{HEADER}<tr>")] {
        let error = table(&html).unwrap_err().to_string();
        assert!(error.contains("cut off") && error.contains("price table"), "{error}");
    }
}

#[test]
fn a_cell_can_be_read_again() {
    let html = format!(
        "<table>{HEADER}<tr><td>Jun 13, 2025<td>1<td>2<td>3<td> 4.<b>50</b><td>5<td>6</table>"
    );
    let table = table(&html).unwrap().unwrap();
    let position = table.rows[0].position;
    assert_eq!(table.cell_text(html.as_bytes(), position, BarField::Close), "4.50");
    assert_eq!(table.cell_text(html.as_bytes(), position, BarField::Volume), "6");
}
